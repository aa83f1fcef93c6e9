// Virtio over PCI, modern devices only. Specification: Virtio 1.2, section 4.1.
#pragma once

#include <array>

#include "drivers/pci/function.h"
#include "drivers/platform.h"
#include "drivers/virtio/transport.h"

namespace ashlar::virtio {

class PciTransport final : public Transport {
public:
    // Whether the function says that it is a virtio device, transitional or modern.
    static bool matches(const pci::Function& function);

    // Finds the device's structures, which must lie in memory BARs that have addresses, and maps them. The
    // function must answer to memory accesses. Unsupported for a legacy device, Malformed when a structure is
    // not where it says.
    static Result<PciTransport> open(pci::ConfigAccess& config, const pci::Function& function,
                                     Platform& platform);

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

    static constexpr std::size_t kMaxQueues = 64;

private:
    // A structure in a BAR.
    struct Region {
        PhysicalAddress at;
        std::uint32_t size = 0; // 0: there is none
    };
    explicit PciTransport(Platform& platform, DeviceId id) : platform_(&platform), id_(id) {}
    Status find_regions(pci::ConfigAccess& config, const pci::Function& function);
    void write64(std::uint16_t offset, std::uint64_t value);

    Platform* platform_;
    DeviceId id_;
    Region common_, notify_, device_;
    std::uint32_t notify_multiplier_ = 0;
    std::array<PhysicalAddress, kMaxQueues> doorbells_{};
};

} // namespace ashlar::virtio
