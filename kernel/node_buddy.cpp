#include "kernel/node_buddy.h"

#include <algorithm>
#include <bit>

#include "arch/cpu.h"
#include "kernel/frame_checks.h"
#include "lib/assert.h"

namespace ashlar::kernel {
namespace {

using namespace frame_state;

constexpr std::uint64_t frames_of(unsigned order) {
    return std::uint64_t{1} << order;
}

template <class T>
T* pointer_to(std::uint64_t frame) {
    return static_cast<T*>(arch::physical_to_virtual(PhysicalAddress(frame << kPageShift)));
}

constexpr std::uint8_t free_state(unsigned order) {
    return static_cast<std::uint8_t>(kFree | order);
}

} // namespace

void NodeBuddy::add(const FrameZone& zone) {
    const LockGuard guard(lock_);
    counts_.total += zone.end - zone.begin;
    for (std::uint64_t frame = zone.begin; frame < zone.end;) {
        const unsigned fits = static_cast<unsigned>(std::bit_width(zone.end - frame)) - 1;
        const unsigned aligned = static_cast<unsigned>(std::countr_zero(frame));
        const unsigned order = std::min({fits, aligned, kMaxOrder});
        push(zone, frame, order);
        frame += frames_of(order);
    }
}

void NodeBuddy::push(const FrameZone& zone, std::uint64_t frame, unsigned order) {
    if (zone.owners != nullptr)
        frame_checks::expect_poison(zone, frame, sizeof(FreeBlock));
    auto* const block = pointer_to<FreeBlock>(frame);
    FreeBlock*& head = free_[order];
    *block = {head, &head};
    if (head != nullptr)
        head->link = &block->next;
    head = block;
    zone.set_state(frame, free_state(order));
    ++counts_.free_by_order[order];
    counts_.free += frames_of(order);
}

void NodeBuddy::remove(std::uint64_t frame, unsigned order) {
    auto* const block = pointer_to<FreeBlock>(frame);
    ASHLAR_ASSERT(*block->link == block); // else somebody wrote to a block that is free
    *block->link = block->next;
    if (block->next != nullptr)
        block->next->link = block->link;
    if (checked_)
        frame_checks::restore_poison(frame, sizeof(FreeBlock));
    --counts_.free_by_order[order];
    counts_.free -= frames_of(order);
}

bool NodeBuddy::smallest_from(unsigned order, unsigned& found) const {
    for (found = order; found <= kMaxOrder; ++found)
        if (free_[found] != nullptr)
            return true;
    return false;
}

std::uint64_t NodeBuddy::pop(unsigned order) {
    const std::uint64_t frame = arch::virtual_to_physical(free_[order]).page_number();
    remove(frame, order);
    return frame;
}

// Gives back all of a taken block but its first 2^to frames.
void NodeBuddy::split(const FrameZone& zone, std::uint64_t frame, unsigned from, unsigned to) {
    while (from > to) {
        --from;
        push(zone, frame + frames_of(from), from);
    }
}

bool NodeBuddy::take(unsigned order, std::uint64_t& frame) {
    const LockGuard guard(lock_);
    unsigned found;
    if (!smallest_from(order, found))
        return false;
    frame = pop(found);
    const FrameZone& zone = *zones_->find(frame);
    split(zone, frame, found, order);
    zone.set_state(frame, static_cast<std::uint8_t>(order));
    return true;
}

std::size_t NodeBuddy::take_frames(std::span<std::uint64_t> frames) {
    const LockGuard guard(lock_);
    const std::size_t most =
        std::min<std::size_t>(frames.size(), std::max<std::uint64_t>(1, counts_.free / 8));
    std::size_t count = 0;
    for (unsigned found; count < most && smallest_from(0, found);) {
        const std::uint64_t first = pop(found);
        const FrameZone& zone = *zones_->find(first);
        const unsigned wanted = static_cast<unsigned>(std::bit_width(most - count)) - 1;
        const unsigned order = std::min(found, wanted);
        split(zone, first, found, order);
        for (std::uint64_t i = 0; i < frames_of(order); ++i) {
            zone.set_state(first + i, kCached);
            frames[count++] = first + i;
        }
    }
    return count;
}

// Puts a block in whose state is that of none, together with its free buddies.
void NodeBuddy::join(const FrameZone& zone, std::uint64_t frame, unsigned order) {
    for (; order < kMaxOrder; ++order) {
        const std::uint64_t buddy = frame ^ frames_of(order);
        if (!zone.contains(buddy) || zone.state(buddy) != free_state(order))
            break;
        remove(buddy, order);
        zone.set_state(buddy, kInside);
        frame &= ~frames_of(order);
    }
    push(zone, frame, order);
}

void NodeBuddy::put(const FrameZone& zone, std::uint64_t frame, unsigned order) {
    const LockGuard guard(lock_);
    ASHLAR_ASSERT(zone.state(frame) == order);
    zone.set_state(frame, kInside);
    join(zone, frame, order);
}

void NodeBuddy::put_frames(std::span<const std::uint64_t> frames) {
    const LockGuard guard(lock_);
    for (const std::uint64_t frame : frames) {
        const FrameZone& zone = *zones_->find(frame);
        ASHLAR_ASSERT(zone.state(frame) == kCached);
        zone.set_state(frame, kInside);
        join(zone, frame, 0);
    }
}

NodeBuddy::Counts NodeBuddy::counts() const {
    const LockGuard guard(lock_);
    return counts_;
}

} // namespace ashlar::kernel
