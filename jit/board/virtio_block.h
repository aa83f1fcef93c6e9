// The virtio block device. Specification: Virtio 1.2, section 5.2.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "jit/board/virtio_mmio.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class VirtioBlock final : public VirtioDevice {
public:
    struct Statistics {
        std::uint64_t read_bytes = 0, written_bytes = 0, flushes = 0, failed = 0;
        unsigned most_in_flight = 0;
    };

    explicit VirtioBlock(BlockBackend& backend);
    VirtioBlock(const VirtioBlock&) = delete;
    VirtioBlock& operator=(const VirtioBlock&) = delete;
    ~VirtioBlock() { abandon(); }

    // Once, before anything else. OutOfMemory when there is no room for the requests in flight.
    Status prepare();

    std::uint32_t device_id() const override { return 2; }
    std::uint64_t features() const override;
    Bytes configuration() const override { return configuration_; }
    void start(std::uint64_t features) override { negotiated_ = features; }
    bool has_room() const override { return free_count_ != 0; }
    bool busy() const override { return free_count_ != depth_; }
    Status begin(GuestMemory& memory, const Chain& chain, UsedBuffers& used) override;
    void poll(GuestMemory& memory, UsedBuffers& used) override;
    void abandon() override;

    const Statistics& statistics() const { return statistics_; }

private:
    static constexpr std::size_t kSectorSize = 512, kConfigurationSize = 60, kMaxEraseRanges = 16;
    enum class RequestStatus : std::uint8_t { Ok = 0, IoError = 1, Unsupported = 2 };
    // What a request waits for, or is about to ask for.
    enum class Step : std::uint8_t { Transfer, Flush, Discard, WriteZeroes, PlainZeroes, Done };

    struct Range {
        std::uint64_t offset, length; // in bytes
        bool may_unmap;
    };
    // From its begin() until its buffers are given back.
    struct Request {
        Step step = Step::Done;
        RequestStatus status = RequestStatus::Ok;
        std::uint16_t head = 0;
        bool writes = false; // to the disk
        std::uint32_t written = 0;
        std::uint64_t offset = 0, length = 0; // of a transfer
        GuestPhysicalAddress status_at;
        std::size_t segment_count = 0, range_count = 0, range = 0;
        std::uint64_t zeroed = 0; // bytes of the range that plain writes have gone over
        std::array<Range, kMaxEraseRanges> ranges;
        std::array<Segment, Virtqueue::kMaxSize> segments; // of a transfer
    };
    class Listener;

    void plan(GuestMemory& memory, Request& request, std::uint32_t type, std::uint64_t sector,
              SegmentCursor readable, SegmentCursor writable, std::uint64_t room);
    void plan_transfer(Request& request, std::uint64_t sector, SegmentCursor data, std::uint64_t length);
    void plan_erase(GuestMemory& memory, Request& request, bool zeroes, SegmentCursor ranges,
                    std::uint64_t length);
    void identify(GuestMemory& memory, Request& request, SegmentCursor to, std::uint64_t room);
    static void end(Request& request, RequestStatus status);

    // Goes on until the request waits for the backend (false) or is done (true).
    bool run(GuestMemory& memory, std::uint32_t tag);
    BlockRequest next(GuestMemory& memory, const Request& request);
    void account(Request& request, Status status);
    void finish_range(Request& request);
    void give_back(GuestMemory& memory, std::uint32_t tag, UsedBuffers& used);
    static void note_reads(GuestMemory& memory, const Request& request);

    bool in_range(std::uint64_t sector, std::uint64_t bytes) const;
    bool negotiated(std::uint64_t feature) const { return (negotiated_ & feature) != 0; }

    BlockBackend* backend_;
    std::uint32_t block_size_;
    std::uint64_t negotiated_ = 0;
    std::array<std::byte, kConfigurationSize> configuration_{};
    std::unique_ptr<Request[]> requests_;
    std::array<std::uint16_t, Virtqueue::kMaxSize> free_{}; // tags
    unsigned depth_ = 0, free_count_ = 0;
    std::array<MutableBytes, Virtqueue::kMaxSize> buffers_; // of the request that is being started
    Statistics statistics_;
};

} // namespace ashlar::jit::board
