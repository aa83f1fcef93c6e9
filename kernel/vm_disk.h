// A VM's part of a disk of the machine: its virtqueue is shadowed onto the disk's own.
#pragma once

#include <optional>
#include <string_view>

#include "drivers/virtio/shared_disk.h"
#include "kernel/backing_memory.h"
#include "kernel/config.h"
#include "kernel/virtual_cpu.h"

namespace ashlar::kernel {

// Used by one CPU at a time.
class VmDisk final : private virtio::DiskUser, private virtio::GuestRam {
public:
    // The slice is a claim on the disk, which outlives it. `vm` is copied.
    VmDisk(virtio::SharedDisk& disk, const virtio::DiskSlice& slice, std::uint32_t logical_block,
           std::string_view vm);

    const virtio::DiskSlice& slice() const { return slice_; }
    std::uint32_t logical_block() const { return logical_block_; }
    std::string_view vm() const { return {vm_.data(), vm_length_}; }
    virtio::SharedDisk& disk() { return disk_; }
    // For the VM's driver.
    abi::BlockInformation information() const;

    // Queues of the VM with this RAM can be attached from now on; its CPU is interrupted. Both outlive the
    // connection.
    Status connect(const BackingMemory& ram, VirtualCpu& cpu);
    // Ends it. When this succeeds the disk does not touch the VM's memory any more. Waits for what is in
    // flight, and resets the disk if that takes too long. Io: its memory can never be used again.
    Status disconnect();

    // As of ShadowDisk. A queue of an earlier driver whose requests are in flight: Busy.
    Status attach(const virtio::QueueAddresses& queue, std::uint64_t features);
    Status kick();
    // Busy until nothing is in flight.
    Status detach();

private:
    static constexpr std::uint64_t kPatienceNs = 5'000'000'000;
    void completed(std::uint16_t tag, Status status) override { shadow_->completed(tag, status); }
    void settle() override;
    virtio::GuestExtent extent(std::uint64_t address) override;

    virtio::SharedDisk& disk_;
    virtio::DiskSlice slice_;
    std::uint32_t logical_block_;
    std::array<char, kMaxVmName> vm_{};
    std::size_t vm_length_;
    const BackingMemory* ram_ = nullptr;
    VirtualCpu* cpu_ = nullptr;
    std::optional<virtio::GuestWindow> window_;
    std::optional<virtio::ShadowDisk> shadow_;
};

} // namespace ashlar::kernel
