// Virtio over MMIO, version 2. Specification: Virtio 1.2, section 4.2.
#pragma once

#include "drivers/platform.h"
#include "drivers/virtio/transport.h"

namespace ashlar::virtio {

class MmioTransport final : public Transport {
public:
    static constexpr std::uint64_t kSmallestWindow = 0x100;

    // Maps the registers. NotFound when there are none, or no device behind them; Unsupported for version 1.
    static Result<MmioTransport> open(PhysicalAddress registers, std::uint64_t size, Platform& platform);

    DeviceId device_id() const override { return id_; }
    std::uint8_t read_status() override;
    void write_status(std::uint8_t status) override;
    std::uint64_t offered_features() override;
    void accept_features(std::uint64_t features) override;
    std::uint16_t queue_count() override;
    std::uint16_t largest_queue(std::uint16_t index) override;
    Status enable_queue(std::uint16_t index, const QueueAddresses& addresses) override;
    void notify(std::uint16_t index) override;
    Status read_configuration(std::size_t offset, MutableBytes to) override;

private:
    MmioTransport(Platform& platform, PhysicalAddress registers, std::uint64_t size)
        : platform_(&platform), registers_(registers), size_(size) {}
    std::uint32_t read(std::uint16_t offset) { return platform_->read32(registers_ + offset); }
    void write(std::uint16_t offset, std::uint32_t value) { platform_->write32(registers_ + offset, value); }
    void write64(std::uint16_t offset, std::uint64_t value);

    Platform* platform_;
    PhysicalAddress registers_;
    std::uint64_t size_;
    DeviceId id_ = DeviceId::None;
};

} // namespace ashlar::virtio
