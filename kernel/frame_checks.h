// What debug builds check of frames beyond their states: whose they are, and that nobody writes to free ones.
#pragma once

#include "kernel/frame_allocator.h"
#include "kernel/frame_zones.h"

namespace ashlar::kernel::frame_checks {

// Fills free frames. As an address it is not canonical on any host.
constexpr std::uint64_t kPoison = 0x5eed'f4ee'5eed'f4ee;

// All are for zones with records, and stop the hypervisor with a line when they find something.

// A block becomes the account's: it must be as it was when it was freed.
void take(const FrameZone& zone, std::uint64_t frame, unsigned order, const MemoryAccount& account);
// The first frame of a block that comes back must be the account's.
void expect_owner(const FrameZone& zone, std::uint64_t frame, const MemoryAccount& account);
// A block comes back: all of it must be the account's. It is filled with poison.
void give(const FrameZone& zone, std::uint64_t frame, unsigned order, const MemoryAccount& account);
// The allocator is about to use the first bytes of a free block for itself, or has done so.
void expect_poison(const FrameZone& zone, std::uint64_t frame, std::size_t bytes);
void restore_poison(std::uint64_t frame, std::size_t bytes);

} // namespace ashlar::kernel::frame_checks
