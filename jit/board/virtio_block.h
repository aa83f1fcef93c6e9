// The virtio block device. Specification: Virtio 1.2, section 5.2.
#pragma once

#include <array>

#include "jit/board/virtio_mmio.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class VirtioBlock final : public VirtioDevice {
public:
    explicit VirtioBlock(BlockBackend& backend);

    std::uint32_t device_id() const override { return 2; }
    std::uint64_t features() const override;
    Bytes configuration() const override { return configuration_; }
    void start(std::uint64_t features) override { negotiated_ = features; }
    Result<std::uint32_t> execute(GuestMemory& memory, const Chain& chain) override;

private:
    static constexpr std::size_t kSectorSize = 512, kConfigurationSize = 60;
    enum class RequestStatus : std::uint8_t { Ok = 0, IoError = 1, Unsupported = 2 };

    RequestStatus perform(GuestMemory& memory, std::uint32_t type, std::uint64_t sector,
                          SegmentCursor readable, SegmentCursor writable, std::uint64_t room);
    RequestStatus read(GuestMemory& memory, std::uint64_t sector, SegmentCursor to, std::uint64_t length);
    RequestStatus write(GuestMemory& memory, std::uint64_t sector, SegmentCursor from, std::uint64_t length);
    RequestStatus erase(GuestMemory& memory, std::uint32_t type, SegmentCursor ranges, std::uint64_t length);
    Status write_zeroes(std::uint64_t sector, std::uint32_t sectors);
    RequestStatus identify(GuestMemory& memory, SegmentCursor to);
    bool in_range(std::uint64_t sector, std::uint64_t bytes) const;
    bool negotiated(std::uint64_t feature) const { return (negotiated_ & feature) != 0; }

    BlockBackend* backend_;
    std::uint64_t negotiated_ = 0;
    std::array<std::byte, kConfigurationSize> configuration_{};
};

} // namespace ashlar::jit::board
