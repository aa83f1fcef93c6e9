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

    // Opens the disk that the function is. NotFound when it is no virtio block device; other errors when it
    // cannot be used. Its end is close() with `memory`.
    static Result<Disk*> open(Devices& devices, const pci::Function& function,
                              const virtio::BlockOptions& options, MemorySource& memory, Platform& platform);
    // The device is reset, and may not access memory any more.
    static void close(Devices& devices, const pci::Function& function, MemorySource& memory, Disk* disk);
    // Its line of the log.
    void describe(Sink& sink, const pci::Function& function);

    virtio::BlockDevice& device() { return device_; }
    // The serial number, without what pads it.
    std::string_view serial() const;
    const virtio::BlockDevice::Identity& identity() const { return identity_; }
    // Reads [offset, offset + size), whole blocks, to physical memory that is contiguous; several requests at
    // a time. A device that gets out of order is reset, once.
    Status read(std::uint64_t offset, std::uint64_t size, PhysicalAddress to);

private:
    Status read_once(std::uint64_t offset, std::uint64_t size, PhysicalAddress to);

    virtio::PciTransport transport_;
    virtio::BlockDevice device_;
    virtio::BlockDevice::Identity identity_{};
};

} // namespace ashlar::kernel
