// The free blocks of one NUMA node: 4 KiB to 1 GiB, split and joined in pairs.
#pragma once

#include <span>

#include "kernel/frame_allocator.h"
#include "kernel/frame_zones.h"
#include "lib/sync.h"

namespace ashlar::kernel {

// May be used from several CPUs at once.
class NodeBuddy {
public:
    // `zones` outlives it and has every frame that is ever put in; with `checked` they know the owners.
    void initialize(const FrameZones& zones, bool checked) {
        zones_ = &zones;
        checked_ = checked;
    }
    // All of the zone is free from now on.
    void add(const FrameZone& zone);

    // A block of 2^order frames; false when there is none. Its first frame's state is then `order`.
    bool take(unsigned order, std::uint64_t& frame);
    // A block whose first frame's state is `order`.
    void put(const FrameZone& zone, std::uint64_t frame, unsigned order);

    // Single frames, as many as fit but not more than an eighth of what is left, so that one CPU does not
    // keep the last for itself; out of small blocks before large ones. Their states are kCached then. Returns
    // how many, 0 only when there is none.
    std::size_t take_frames(std::span<std::uint64_t> frames);
    // Frames whose states are kCached.
    void put_frames(std::span<const std::uint64_t> frames);

    struct Counts {
        std::uint64_t total = 0, free = 0; // frames
        std::uint64_t free_by_order[kMaxOrder + 1] = {};
    };
    Counts counts() const;

private:
    // Lives in the free block itself.
    struct FreeBlock {
        FreeBlock* next;
        FreeBlock** link; // what points here
    };

    bool smallest_from(unsigned order, unsigned& found) const;
    std::uint64_t pop(unsigned order);
    void push(const FrameZone& zone, std::uint64_t frame, unsigned order);
    void remove(std::uint64_t frame, unsigned order);
    void split(const FrameZone& zone, std::uint64_t frame, unsigned from, unsigned to);
    void join(const FrameZone& zone, std::uint64_t frame, unsigned order);

    const FrameZones* zones_ = nullptr;
    bool checked_ = false;
    FreeBlock* free_[kMaxOrder + 1] = {};
    Counts counts_;
    mutable TicketLock lock_;
};

} // namespace ashlar::kernel
