// What a translation says of a page: its size, and which accesses it denies to whom.
#pragma once

#include <cstdint>

#include "lib/address.h"

namespace ashlar::jit::mmu {

// A set of the bits below. Sets of what is denied add up, and one AND tells whether an access is among them.
using Denials = std::uint32_t;

namespace denies {
constexpr Denials kLoads = 1 << 1, kStores = 1 << 2, kFetches = 1 << 3;
// Everything, to programs at that privilege; what a supervisor is denied it has with SUM nevertheless, but
// for fetches.
constexpr Denials kUser = 1 << 4, kSupervisor = 1 << 5;
// Access by host address: the page is not RAM.
constexpr Denials kHost = 1 << 6;
} // namespace denies

// Sizes of leaves in page tables: 4 KiB, 2 MiB, 1 GiB.
constexpr unsigned kLevels = 3, kBitsPerLevel = 9;
constexpr unsigned page_shift(unsigned level) {
    return static_cast<unsigned>(kPageShift) + kBitsPerLevel * level;
}
constexpr std::uint64_t page_size(unsigned level) {
    return std::uint64_t{1} << page_shift(level);
}

// What the guest's page table says of the page around an entry.
struct PageKind {
    unsigned level = 0;  // of the leaf
    bool global = false; // the same in every address space
};

} // namespace ashlar::jit::mmu
