// Free frames that one CPU keeps for itself, so that it takes and gives single frames without a lock.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "kernel/frame_allocator.h"
#include "kernel/frame_zones.h"
#include "lib/counter.h"

namespace ashlar::kernel {

using HitCounters = std::array<Counter, kHits>; // by Hit

// Of one CPU and one node. That CPU alone uses it, with interrupts that allocate masked; others may read its
// counts.
class alignas(64) FrameCache {
public:
    // What is moved at a time between cache and node, so that the node's lock is taken once for all of them.
    static constexpr std::size_t kBatch = 32;
    static constexpr std::size_t kCapacity = 2 * kBatch;

    bool empty() const { return count_.value() == 0; }
    bool full() const { return count_.value() == kCapacity; }
    std::uint64_t count() const { return count_.value(); }

    // The last that was pushed: its contents may still be in the CPU's caches.
    std::uint64_t pop() {
        count_.subtract(1);
        return frames_[count_.value()];
    }
    void push(std::uint64_t frame) {
        frames_[count_.value()] = frame;
        count_.add(1);
    }
    // Of an empty cache: room for a batch, of which `count` frames are then there.
    std::span<std::uint64_t> room() { return std::span(frames_).first(kBatch); }
    void filled(std::size_t count) { count_.add(count); }
    // The `count` frames that were pushed first; removed by forget_oldest.
    std::span<const std::uint64_t> oldest(std::size_t count) const { return std::span(frames_).first(count); }
    void forget_oldest(std::size_t count) {
        std::copy(frames_.begin() + count, frames_.begin() + count_.value(), frames_.begin());
        count_.subtract(count);
    }

    // Where the last frame was found; the next one will be there too.
    const FrameZone* zone = nullptr;
    HitCounters hits;

private:
    Counter count_;
    std::array<std::uint64_t, kCapacity> frames_;
};

} // namespace ashlar::kernel
