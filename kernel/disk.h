// A virtio disk of the machine that the hypervisor itself uses.
#pragma once

#include <string_view>

#include "drivers/virtio/block.h"
#include "drivers/virtio/pci_transport.h"
#include "kernel/devices.h"
#include "kernel/driver_platform.h"

namespace ashlar::kernel {

class Disk {
public:
    Disk(const virtio::PciTransport& transport, Platform& platform)
        : transport_(transport), device_(transport_, platform) {}

    // Opens the disk of that name: its serial number, or its PCI address as the list of devices has it. Why
    // there is none goes to `sink`. Its end is destroy_in_frames with `memory`.
    static Result<Disk*> open(Devices& devices, std::string_view name, MemorySource& memory,
                              Platform& platform, Sink& sink);

    virtio::BlockDevice& device() { return device_; }
    // Reads [offset, offset + size), whole blocks, to physical memory that is contiguous; several requests at
    // a time. A device that gets out of order is reset, once.
    Status read(std::uint64_t offset, std::uint64_t size, PhysicalAddress to);

private:
    Status read_once(std::uint64_t offset, std::uint64_t size, PhysicalAddress to);

    virtio::PciTransport transport_;
    virtio::BlockDevice device_;
};

} // namespace ashlar::kernel
