// What the engine counts.
#pragma once

#include <array>
#include <cstdint>

#include "jit/facts.h"
#include "jit/interpreter/op.h"
#include "jit/mmu/tlb_options.h"
#include "jit/optimizer/leave.h"
#include "jit/platform.h"

namespace ashlar::jit {

// What the guest waited for, if it is measured.
struct TimeSpent {
    static constexpr std::uint64_t kLong = 1'000'000;
    std::uint64_t ns = 0, longest_ns = 0;
    std::uint64_t long_ones = 0; // times that it took longer than kLong

    void add(std::uint64_t more) {
        ns += more;
        longest_ns = more > longest_ns ? more : longest_ns;
        long_ones += more > kLong;
    }
};

struct TierStatistics {
    std::uint64_t units = 0;              // blocks, or what else the tier compiles
    std::uint64_t guest_instructions = 0; // in them
    std::uint64_t bytes = 0;              // of code made of them, since the beginning
    TimeSpent compiling;                  // on the thread that executes
    std::uint64_t beside_ns = 0;          // compiling meanwhile, on another
};

// Ways out of regions that have a reason in common.
struct LeaveStatistics {
    std::uint64_t times = 0;
    std::uint64_t outside = 0; // guest instructions from then until the next region
};

struct EngineStatistics {
    static constexpr std::size_t kTiers = 3;

    std::uint64_t instructions = 0;
    std::uint64_t host_code_instructions = 0; // of them in host code; counts on when instret is reset
    std::array<TierStatistics, kTiers> tiers{};
    std::uint64_t flushes = 0, blocks_invalidated = 0, pages_invalidated = 0;
    // Times that room was made for more code; guest pages whose code went, and those that were in use.
    std::uint64_t evictions = 0, pages_evicted = 0, blocks_evicted = 0, pages_kept = 0;
    TimeSpent evicting;
    std::uint64_t links = 0, native_links = 0;
    std::uint64_t executions = 0; // times that a hart entered translated code from its run loop
    std::array<std::uint64_t, interpreter::Exit::kKinds> exits{}; // how it came back
    std::uint64_t jump_cache_misses = 0;
    std::uint64_t regions_refused = 0;   // too large or too difficult
    std::uint64_t regions_dropped = 0;   // because their pages were written to or mapped elsewhere
    std::uint64_t regions_confirmed = 0; // whose pages are where they were, after mappings have changed
    std::uint64_t regions_evicted = 0;   // for want of room
    std::uint64_t regions_postponed = 0; // too many were waiting to be compiled: asked again later
    std::uint64_t regions_discarded = 0; // overwritten or given up while they were compiled
    std::uint64_t regions_renewed = 0;   // because addresses were not in the extents where they were expected
    std::uint64_t regions_demoted = 0;   // because probes kept failing
    std::uint64_t extents_missed = 0;
    std::uint64_t regions_formed_anew = 0; // to follow jumps that they did not expect
    std::uint64_t probes_found = 0, probes_failed = 0;
    bool counts_regions = false; // what follows is counted
    std::uint64_t region_instructions = 0;
    std::uint64_t jumps_followed = 0, jumps_missed = 0; // of regions: indirect ones
    std::array<LeaveStatistics, optimizer::kLeaves> leaves{};
    std::uint64_t block_lookups = 0, exceptions = 0, interrupts = 0;
    mmu::TlbCounts tlb;
};

// All but `instructions`.
void report(const EngineStatistics& statistics, Facts& facts);

// Adds the time that it exists to `to`, by a clock that may be absent.
class Stopwatch {
public:
    Stopwatch(Clock* clock, TimeSpent& to) : clock_(clock), to_(to) {
        if (clock_ != nullptr)
            begin_ = clock_->monotonic_ns();
    }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    ~Stopwatch() {
        if (clock_ != nullptr)
            to_.add(clock_->monotonic_ns() - begin_);
    }

private:
    Clock* clock_;
    TimeSpent& to_;
    std::uint64_t begin_ = 0;
};

} // namespace ashlar::jit
