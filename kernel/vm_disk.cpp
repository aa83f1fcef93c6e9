#include "kernel/vm_disk.h"

#include <algorithm>

#include "lib/sync.h"

namespace ashlar::kernel {

using virtio::block::kSector;

VmDisk::VmDisk(virtio::SharedDisk& disk, const virtio::DiskSlice& slice, std::uint32_t logical_block,
               std::string_view vm)
    : disk_(disk), slice_(slice), logical_block_(logical_block), vm_length_(std::min(vm.size(), vm_.size())) {
    std::copy_n(vm.begin(), vm_length_, vm_.begin());
}

abi::BlockInformation VmDisk::information() const {
    using Info = abi::BlockInformation;
    const virtio::DiskProperties& disk = disk_.device().properties();
    const auto sectors = [](std::uint64_t bytes) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / kSector, ~0u));
    };
    Info info{};
    info.bytes = slice_.length;
    info.read_only = slice_.read_only ? 1 : 0;
    info.logical_block = logical_block_;
    static_assert(sizeof info.serial == std::tuple_size_v<virtio::BlockDevice::Identity>);
    std::copy(slice_.identity.begin(), slice_.identity.end(), info.serial);
    info.flags = Info::kShadowed | (disk.can_flush ? Info::kFlushes : 0) |
                 (disk.can_discard ? Info::kDiscards : 0) | (disk.can_write_zeroes ? Info::kWritesZeroes : 0);
    info.physical_block = std::max(disk.physical_block, logical_block_);
    info.most_segments = static_cast<std::uint32_t>(disk.most_pieces);
    info.largest_discard_sectors = sectors(disk.largest_discard);
    info.largest_zeroes_sectors = sectors(disk.largest_write_zeroes);
    return info;
}

Status VmDisk::connect(const BackingMemory& ram, VirtualCpu& cpu) {
    ASHLAR_ASSERT(!shadow_);
    virtio::DiskPort* const port = ASHLAR_TRY(disk_.join(*this));
    ram_ = &ram;
    cpu_ = &cpu;
    window_.emplace(static_cast<virtio::GuestRam&>(*this), abi::kRamBase, ram.size());
    shadow_.emplace(*port, *window_, slice_);
    return {};
}

Status VmDisk::disconnect() {
    if (!shadow_)
        return {};
    shadow_->detach();
    const std::uint64_t begin = arch::now_ns();
    while (!shadow_->idle()) {
        disk_.poll();
        if (arch::now_ns() - begin > kPatienceNs)
            ASHLAR_TRY(disk_.reset());
        cpu_relax();
    }
    disk_.leave(*this);
    shadow_.reset();
    return {};
}

Status VmDisk::attach(const virtio::QueueAddresses& queue, std::uint64_t features) {
    return shadow_->attach(queue, features);
}

Status VmDisk::kick() {
    return shadow_->kick();
}

Status VmDisk::detach() {
    shadow_->detach();
    disk_.poll();
    return shadow_->idle() ? Status() : Status(Error::Busy);
}

void VmDisk::settle() {
    if (shadow_->settle())
        cpu_->post_interrupt(abi::kDiskVector);
}

virtio::GuestExtent VmDisk::extent(std::uint64_t address) {
    const MutableBytes chunk = ram_->chunk(address - abi::kRamBase);
    return {address, chunk.size(), chunk.data(), arch::virtual_to_physical(chunk.data()).value()};
}

} // namespace ashlar::kernel
