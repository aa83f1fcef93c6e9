// Frames for one owner under its NUMA policy, and objects that live in such frames: the hypervisor has no
// heap, what a VM costs is charged to it and comes back when it ends.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "arch/clear.h"
#include "arch/cpu.h"
#include "kernel/frame_allocator.h"
#include "kernel/placement.h"
#include "lib/bytes.h"

namespace ashlar::kernel {

// Not synchronized.
class MemorySource {
public:
    MemorySource(FrameAllocator& frames, MemoryAccount& account, const Placement& placement = {})
        : frames_(frames), account_(account), placement_(placement) {}

    struct Block {
        PhysicalAddress address;
        unsigned order;
    };
    // A block of one of `orders`, which are descending: the largest that the first of the policy's nodes has
    // at all. To be near counts more than to be large. Errors as of FrameAllocator::allocate.
    Result<Block> allocate_one_of(std::span<const unsigned> orders);
    // 2^order frames.
    Result<PhysicalAddress> allocate(unsigned order) {
        return ASHLAR_TRY(allocate_one_of({&order, 1})).address;
    }
    // Likewise, filled with zeros.
    Result<PhysicalAddress> allocate_zeroed(unsigned order) {
        const PhysicalAddress block = ASHLAR_TRY(allocate(order));
        arch::clear_pages(arch::physical_to_virtual(block), kPageSize << order);
        return block;
    }
    void free(PhysicalAddress block, unsigned order) { frames_.free(block, order, account_); }

    MemoryAccount& account() { return account_; }
    const Placement& placement() const { return placement_; }
    // For page tables and the like of the same owner.
    MemorySource for_tables() const { return {frames_, account_, placement_.for_tables()}; }

private:
    FrameAllocator& frames_;
    MemoryAccount& account_;
    Placement placement_;
};

// The order of the smallest block that holds `bytes`, which is not 0.
constexpr unsigned order_for(std::uint64_t bytes) {
    const std::uint64_t frames = (bytes + kPageSize - 1) / kPageSize;
    return static_cast<unsigned>(std::bit_width(frames - 1));
}
static_assert(order_for(1) == 0 && order_for(kPageSize) == 0 && order_for(kPageSize + 1) == 1);
static_assert(order_for(3 * kPageSize) == 2 && order_for(4 * kPageSize) == 2);

// A T in frames of its own. Its end is destroy_in_frames with the same source.
template <class T, class... Arguments>
Result<T*> create_in_frames(MemorySource& source, Arguments&&... arguments) {
    const PhysicalAddress block = ASHLAR_TRY(source.allocate_zeroed(order_for(sizeof(T))));
    return ::new (arch::physical_to_virtual(block)) T(std::forward<Arguments>(arguments)...);
}

template <class T>
void destroy_in_frames(MemorySource& source, T* object) {
    object->~T();
    source.free(arch::virtual_to_physical(object), order_for(sizeof(T)));
}

} // namespace ashlar::kernel
