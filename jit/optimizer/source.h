// What a region is made of, before optimization: blocks of IR and how they run into each other.
#pragma once

#include <cstdint>

#include "jit/ir/block.h"
#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

// The same guest code may be there several times: an inlined function once for each call.
struct SourceBlock {
    static constexpr std::int16_t kOutside = -1;
    std::int32_t pc = 0;                // of its first instruction, relative to the region's start
    std::uint32_t first = 0, count = 0; // its IR in RegionSource::instructions
    std::uint16_t guest_instructions = 0;
    std::uint32_t weight = 1; // how often it has run, relative
    // Source blocks that follow. An indirect jump's `taken` is where it is sure to go, unless the guest does
    // something strange: behind the call that was inlined.
    std::int16_t taken = kOutside, not_taken = kOutside;
    Leave taken_leave = Leave::Large, not_taken_leave = Leave::Large; // why they are outside
    // Where else an indirect jump is likely to go: some of RegionSource::ways.
    std::uint16_t first_way = 0;
    std::uint8_t way_count = 0;
    JumpProfile* profile = nullptr; // as BasicBlock::profile
    bool repeats = false;           // another turn of a loop that is unrolled
};

struct Way {
    std::int16_t block = SourceBlock::kOutside;
    std::uint32_t weight = 1; // how often it is taken, relative to the others of its jump
};

struct RegionSource {
    RegionSource() { sites.fill(kSiteUnknown); }

    static constexpr std::size_t kMaxInstructions = 6144;
    // At most so many, of different pcs, for one jump.
    static constexpr std::size_t kMaxWays = 24;
    // Blocks of a graph that a jump with so many ways needs beside its own.
    static constexpr std::size_t blocks_of_dispatch(std::size_t ways) { return ways < 2 ? 0 : 2 * ways; }

    Bounded<SourceBlock, kMaxBlocks - 1> blocks; // [0] is where the region is entered
    Bounded<Way, 512> ways;
    Bounded<ir::Instruction, kMaxInstructions> instructions;
    // Loads' and stores' sites, by instruction.
    std::array<Site, kMaxInstructions> sites;
    // Where the region is entered: what the integer registers point to, or kSiteUnknown; what is near the
    // code; and what most registers point to.
    struct Addresses {
        std::array<Site, 32> registers{};
        Site code = kSiteUnknown, usual = kSiteUnknown;
        Addresses() { registers.fill(kSiteUnknown); }
    } addresses;

    void clear() {
        blocks.clear();
        ways.clear();
        instructions.clear();
        addresses = {};
    }
};

} // namespace ashlar::jit::optimizer
