// The machine's virtio disks, and which part of them is whose.
#pragma once

#include "kernel/disk.h"
#include "kernel/disk_config.h"
#include "kernel/vm_disk.h"
#include "lib/gpt.h"
#include "lib/intrusive_list.h"

namespace ashlar::kernel {

// Whether two claims may not be had at the same time: they have bytes in common, and one of them writes.
constexpr bool conflict(const virtio::DiskSlice& a, const virtio::DiskSlice& b) {
    return a.offset < b.offset + b.length && b.offset < a.offset + a.length && !(a.read_only && b.read_only);
}

// What the guest's logical blocks are, given the slice and the disk's blocks; on a mistake 0, and `problem`
// has a sentence.
std::uint32_t choose_sector_size(const DiskConfig& config, const virtio::DiskSlice& slice,
                                 std::uint32_t disk_block, Sink& problem);

// Used by one CPU at a time.
class MachineDisks {
public:
    // Both outlive it.
    MachineDisks(Devices& devices, MemorySource& memory)
        : devices_(devices), memory_(memory), platform_(memory) {}

    // The part that `config` names, for the VM of that name. On failure `problem` has a sentence. The first
    // call finds the machine's disks, and says on `log` what there is.
    Result<VmDisk*> claim(const DiskConfig& config, std::string_view vm, Sink& log, Sink& problem);
    // Gives a claim back; its VM is disconnected.
    void release(VmDisk* claim);

    // The function's disk is not ours any more, so that a VM can have all of it. Busy when VMs have parts of
    // it.
    Status give_up(const pci::Function& function);

    // Tells VMs what is done; cheap when nothing is in flight.
    void poll();
    // Whether something is in flight that no interrupt will tell of.
    bool wants_polling();

private:
    static constexpr std::size_t kMaxClaims = virtio::SharedDisk::kMaxUsers;
    struct MachineDisk : ListLink<> {
        explicit MachineDisk(Disk& its_disk, Platform& platform)
            : disk(its_disk), shared(its_disk.device(), platform) {}
        Disk& disk;
        virtio::SharedDisk shared;
        pci::FunctionAddress address;
        virtio::BlockDevice::Identity identity{};
        bool interrupts = false;
        std::array<VmDisk*, kMaxClaims> claims{};
    };
    class PartitionReader;

    void find_disks(Sink& log);
    void add(const pci::Function& function, Sink& log);
    bool use_interrupts(const pci::Function& function);
    Result<virtio::DiskSlice> find_partition(MachineDisk& disk, const Guid& unique, Sink& problem);
    Result<MachineDisk*> find(const DiskConfig& config, virtio::DiskSlice& slice, Sink& problem);
    Status narrow(const DiskConfig& config, virtio::DiskSlice& slice, std::uint32_t block, Sink& problem);

    Devices& devices_;
    MemorySource& memory_;
    DriverPlatform platform_;
    IntrusiveList<MachineDisk> disks_;
    bool found_ = false;
};

} // namespace ashlar::kernel
