// A PCI function of the machine that a VM drives itself.
#pragma once

#include "drivers/pci/msix.h"
#include "drivers/virtio/guest_view.h"
#include "drivers/virtio/pci_transport.h"
#include "kernel/address_space.h"
#include "kernel/devices.h"
#include "lib/vm_abi.h"

namespace ashlar::kernel {

class AssignedDevice {
public:
    static constexpr unsigned kInterrupts = abi::kDeviceInterrupts;

    // Everything outlives it.
    struct Parts {
        Devices& devices;
        const pci::Function& function;
        AddressSpace& space; // of the VM: BARs are mapped there
        DmaDomain& domain;   // of the VM
        Platform& platform;
        unsigned index = 0; // among the VM's devices
    };

    // Io: it may access the VM's memory for ever. Resets the function and gives it to the VM. On failure it
    // is nobody's, and `problem` has a sentence. Lives in frames of `memory`; its end is destroy_in_frames
    // after take_back().
    static Result<AssignedDevice*> assign(const Parts& parts, MemorySource& memory, Sink& problem);
    // Resets it and takes it away. When this returns without error, it does not access the VM's memory any
    // more; else it may for ever.
    Status take_back();

    const abi::DeviceInformation& information() const { return information_; }
    pci::FunctionAddress address() const { return function_.address; }
    // Whether it accesses memory at all.
    void set_bus_master(bool on);
    // The bit of its interrupt `kind` in arch::take_device_interrupts().
    std::uint32_t interrupt_bit(unsigned kind) const { return 1u << lines_[kind].line; }

    AssignedDevice(const Parts& parts, const virtio::PciTransport& transport, const virtio::GuestView& view);

private:
    struct Line {
        bool in_use = false;
        unsigned line = 0;        // of the architecture
        std::uint16_t number = 0; // of the IOMMU
    };
    Status reset();
    Status take(Sink& problem);
    Status map_bars();
    Status map_bar(unsigned index, std::uint64_t& next);
    void unmap_bars();
    Status set_interrupts();

    Devices& devices_;
    const pci::Function& function_;
    AddressSpace& space_;
    DmaDomain& domain_;
    Platform& platform_;
    unsigned index_;
    virtio::PciTransport transport_;
    virtio::GuestView view_;
    abi::DeviceInformation information_{};
    std::array<Line, kInterrupts> lines_{};
    bool attached_ = false;
};

} // namespace ashlar::kernel
