#include "jit/bare/shadowed_disk.h"

#include <bit>

#include "jit/bare/run_loop.h"

namespace ashlar::jit::bare {

std::string_view ShadowedDisk::serial() const {
    std::size_t length = 0;
    while (length < sizeof information_.serial && information_.serial[length] != '\0')
        ++length;
    return {information_.serial, length};
}

BlockGeometry ShadowedDisk::geometry() const {
    BlockGeometry geometry;
    geometry.block_size = information_.logical_block;
    if (information_.physical_block > information_.logical_block)
        geometry.physical_block_exponent = static_cast<std::uint8_t>(
            std::bit_width(information_.physical_block / information_.logical_block) - 1);
    return geometry;
}

QueueServer::Limits ShadowedDisk::limits() const {
    using Info = abi::BlockInformation;
    const auto if_flag = [this](std::uint32_t flag, std::uint32_t value) {
        return (information_.flags & flag) != 0 ? value : 0;
    };
    return {abi::BlockQueue::kMaxSize, information_.most_segments,
            if_flag(Info::kDiscards, information_.largest_discard_sectors),
            if_flag(Info::kWritesZeroes, information_.largest_zeroes_sectors),
            (information_.flags & Info::kFlushes) != 0};
}

Status ShadowedDisk::attach(const Queue& queue) {
    const abi::BlockQueue wanted{queue.descriptors, queue.driver, queue.device,
                                 queue.features,    queue.size,   0};
    return hypervisor_->block_attach(number_, wanted);
}

bool ShadowedDisk::interrupted() {
    const bool since = interrupts_seen_ != disk_interrupts;
    interrupts_seen_ = disk_interrupts;
    return since;
}

// The disk answers by itself: there is nothing to sleep for.
void ShadowedDisk::detach() {
    for (;;) {
        const Status ended = hypervisor_->block_detach(number_);
        if (ended.ok() || ended.error() != Error::Busy)
            return;
    }
}

} // namespace ashlar::jit::bare
