// A PCI function that the hypervisor has given to the VM, as the board wants it.
#pragma once

#include "jit/bare/environment.h"
#include "jit/bare/hypervisor.h"
#include "jit/pci_backend.h"

namespace ashlar::jit::bare {

class AssignedPciDevice final : public PciBackend {
public:
    // Both outlive it. `number` is the hypervisor's.
    AssignedPciDevice(Hypervisor& hypervisor, const AssignedDevice& device, unsigned number)
        : hypervisor_(hypervisor), device_(device), number_(number) {}

    std::span<const std::uint8_t, kConfiguration> configuration() const override {
        return device_.information.configuration;
    }
    const PciBarWindow& bar(unsigned index) const override { return device_.bars[index]; }
    void set_bus_master(bool on) override { hypervisor_.device_control(number_, on); }
    unsigned take_interrupts() override {
        static_assert(abi::kDeviceInterrupts == 2 && kChangeInterrupt == 1 && kQueueInterrupt == 2);
        const std::uint32_t mine = 3u << shift();
        // Looked at before it is changed: most of the time there is nothing.
        if ((events.devices.load(std::memory_order_relaxed) & mine) == 0)
            return 0;
        return (events.devices.fetch_and(~mine, std::memory_order_relaxed) & mine) >> shift();
    }

private:
    unsigned shift() const { return device_.information.first_vector - abi::kDeviceVector; }

    Hypervisor& hypervisor_;
    const AssignedDevice& device_;
    unsigned number_;
};

} // namespace ashlar::jit::bare
