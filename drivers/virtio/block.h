// Virtio block devices. Specification: Virtio 1.2, section 5.2.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "drivers/virtio/packed_queue.h"
#include "drivers/virtio/split_queue.h"

namespace ashlar::virtio {

// What the disk is. Sizes in bytes.
struct DiskProperties {
    std::uint64_t capacity = 0; // a multiple of the block size
    std::uint32_t block_size = 512;
    std::uint32_t physical_block = 512;
    std::uint32_t minimum_io = 512, optimal_io = 0; // 0: not known
    bool read_only = false, can_flush = false, can_discard = false, can_write_zeroes = false;
    std::uint64_t largest_discard = 0, largest_write_zeroes = 0; // of one request
    std::size_t largest_piece = 0;                               // of a transfer
    std::size_t most_pieces = 0;
};

struct DiskPiece {
    std::uint64_t address; // for the device
    std::uint32_t length;
};

struct DiskRequest {
    enum class Kind : std::uint8_t { Read, Write, Flush, Discard, WriteZeroes, Identify };
    Kind kind;
    std::uint64_t offset = 0, length = 0; // bytes, multiples of the block size; nothing for Flush, Identify
    std::span<const DiskPiece> data{};    // of Read and Write, `length` bytes in all
    bool may_unmap = false;               // WriteZeroes may give the range back
};

// Hears of requests that are done, by the token that start() gave.
class DiskCompletions {
public:
    virtual void completed(std::uint32_t token, Status status) = 0;

protected:
    ~DiskCompletions() = default;
};

// For tests and comparisons: what not to use although the device offers it. And the MSI-X vector of all
// queues.
struct BlockOptions {
    std::uint16_t vector = kNoVector;
    std::uint64_t without_features = 0;
    std::uint16_t most_queues = 0xffff;
    std::uint16_t largest_queue = Queue::kMaxSize;
};

// Used by one CPU at a time. poll() tells what is done, whether or not there are interrupts.
class BlockDevice {
public:
    static constexpr std::uint16_t kMaxQueues = 4;
    static constexpr std::size_t kIdentityLength = block::kIdentityLength;
    using Identity = std::array<char, kIdentityLength>;

    // Both outlive the device.
    BlockDevice(Transport& transport, Platform& platform) : transport_(transport), platform_(platform) {}
    BlockDevice(const BlockDevice&) = delete;
    BlockDevice& operator=(const BlockDevice&) = delete;
    // Memory that a device may still access, because it did not reset, is never given back.
    ~BlockDevice();

    // Resets the device, agrees on features and starts its queues. Unsupported for what is no modern block
    // device or has blocks that we cannot use; Io when it does not reset or refuses the features.
    Status initialize(const BlockOptions& options = {});

    const DiskProperties& properties() const { return properties_; }
    std::uint64_t features() const { return features_; } // agreed on
    unsigned queue_count() const { return queue_count_; }
    std::uint16_t queue_size() const { return queue_size_; }
    bool idle() const; // nothing is in flight
    // Looks at the device's own opinion: false when it has given up and must be recovered.
    bool works() { return !out_of_order(); }
    // Whether it surely does not access memory.
    bool quiet() const { return quiet_; }

    // Starts a request on a queue; the token. It may be held back until submit(). Busy when the queue is
    // full; OutOfRange, Misaligned, Denied (read-only), Unsupported, InvalidArgument (too large) without
    // having done anything; Io when the device is out of order.
    Result<std::uint32_t> start(unsigned queue, const DiskRequest& request);
    void submit(unsigned queue);
    // Reports what is done. An error means that the device is out of order: nothing more will be done before
    // recover().
    Status poll(unsigned queue, DiskCompletions& completions);
    // Asks for an interrupt when the next request of the queue is done, if the transport has vectors; false
    // when one is done already.
    bool arm_interrupt(unsigned queue) { return !works_ || queues_[queue].queue->arm_interrupt(); }
    // Resets the device and starts anew. Requests in flight are reported as failed: they may have been
    // carried out or not.
    Status recover(DiskCompletions& completions);

    // Waits for each request; no other is in flight. Discards and zeroes may be of any length. A device that
    // does not answer is out of order.
    Status perform(const DiskRequest& request);
    Result<Identity> identify();

private:
    static constexpr std::uint64_t kPatienceNs = 30'000'000'000;
    struct QueueState {
        Queue* queue = nullptr;
        std::optional<SplitQueue> split;
        std::optional<PackedQueue> packed;
        DmaBlock rings, slots;
        std::array<std::uint16_t, Queue::kMaxSize> free_tags;
        std::uint16_t free_count = 0;
        std::array<bool, Queue::kMaxSize> in_flight{};
    };

    Status reset();
    Status negotiate();
    Status read_properties();
    Status provide(DmaBlock& block, std::size_t bytes);
    Status start_queues();
    Status bring_up();
    Status check(const DiskRequest& request) const;
    Status perform_one(const DiskRequest& request);
    bool out_of_order();
    std::byte* slot(const QueueState& state, std::uint16_t tag) const;
    bool has(std::uint64_t feature) const { return (features_ & feature) != 0; }

    Transport& transport_;
    Platform& platform_;
    BlockOptions options_;
    DiskProperties properties_;
    std::uint64_t features_ = 0;
    std::array<QueueState, kMaxQueues> queues_;
    unsigned queue_count_ = 0;
    std::uint16_t queue_size_ = 0;
    bool works_ = false;
    bool quiet_ = true; // the device does not touch memory
};

} // namespace ashlar::virtio
