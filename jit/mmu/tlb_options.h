// What can be chosen about the software TLB.
#pragma once

#include "jit/mmu/prefetch.h"
#include "jit/mmu/reference_observer.h"
#include "jit/mmu/replacement.h"

namespace ashlar::jit::mmu {

struct TlbOptions {
    Replacement replacement = Replacement::Lru; // in the second level
    Prefetch prefetch = Prefetch::None;         // into the second level
    // Sees all loads and stores, which then are slow; outlives the MMU. For one hart.
    ReferenceObserver* observer = nullptr;
};

// How often; all but `hits` are counted where there is much to do anyway.
struct TlbCounts {
    std::uint64_t hits = 0;   // of the first level, with an observer; else 0
    std::uint64_t misses = 0; // of the first level, fetches' too
    std::uint64_t walks = 0;  // misses of the second level
    std::uint64_t evictions = 0;
    std::uint64_t prefetches = 0, useful_prefetches = 0; // entered; found when somebody asked for them

    TlbCounts& operator+=(const TlbCounts& other) {
        hits += other.hits;
        misses += other.misses;
        walks += other.walks;
        evictions += other.evictions;
        prefetches += other.prefetches;
        useful_prefetches += other.useful_prefetches;
        return *this;
    }
};

} // namespace ashlar::jit::mmu
