// A virtio block device whose queue somebody else serves. Specification: Virtio 1.2, section 5.2.
#pragma once

#include <array>

#include "jit/board/virtio_mmio.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class ServedBlock final : public VirtioDevice {
public:
    // `disk` describes itself; both outlive the device.
    ServedBlock(BlockBackend& disk, QueueServer& server);

    std::uint32_t device_id() const override { return 2; }
    std::uint64_t features() const override { return features_; }
    Bytes configuration() const override { return configuration_; }
    void start(std::uint64_t) override {}
    std::uint16_t largest_queue() const override { return server_->limits().queue_size; }
    QueueServer* queue_server() override { return server_; }
    bool has_room() const override { return false; }
    bool busy() const override { return false; }
    Status begin(GuestMemory&, const Chain&, UsedBuffers&) override { return Error::Unsupported; }
    void poll(GuestMemory&, UsedBuffers&) override {}
    void abandon() override { server_->detach(); }

private:
    QueueServer* server_;
    std::uint64_t features_;
    std::array<std::byte, virtio::block::kConfigurationSize> configuration_{};
};

} // namespace ashlar::jit::board
