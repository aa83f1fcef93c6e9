// Random regions, optimized by any choice of passes, against their IR.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

// The seed of a failure is in its message; ASHLAR_OPTIMIZER_SEED runs that region alone.
struct Seeds {
    std::uint64_t first, count;
};
Seeds seeds(std::uint64_t count) {
    const char* const wanted = std::getenv("ASHLAR_OPTIMIZER_SEED");
    const char* const more = std::getenv("ASHLAR_OPTIMIZER_REGIONS");
    if (wanted != nullptr)
        return {std::strtoull(wanted, nullptr, 0), 1};
    return {1, more != nullptr ? std::strtoull(more, nullptr, 0) : count};
}

bool supports_no_multiplication(const ir::Instruction& i) {
    return i.opcode != ir::Opcode::Multiply && i.opcode != ir::Opcode::Fence;
}

void check(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const std::size_t blocks = seed % 4 == 0 ? 24 : 8;
    std::mt19937_64 again(seed);
    const Region region = random_region(random, blocks);
    Region unrolled = random_region(again, blocks);
    unrolled.unroll();
    const unsigned masks[] = {kAllPasses, 0, static_cast<unsigned>(random() % (kAllPasses + 1)), kAllPasses};
    for (std::size_t i = 0; i < std::size(masks); ++i) {
        const Supports supports = i == 3 ? supports_no_multiplication : supports_all;
        const Region& optimized = (masks[i] & kUnrollLoops) != 0 ? unrolled : region;
        const bool done = optimizer().run(optimized.source(), supports, register_file(), masks[i]);
        const GraphVerdict& verdict = optimizer().verdict();
        ASSERT_TRUE(verdict.ok()) << "seed " << seed << ", passes " << masks[i] << ", behind "
                                  << optimizer().failed_pass() << ": " << verdict.message << ", block "
                                  << int{verdict.block} << ", node " << verdict.node;
        if (!done)
            continue;
        for (unsigned turn = 0; turn < 6; ++turn) {
            const State state = random_state(random);
            GraphMachine machine(optimizer().graph(), seed + turn);
            machine.set_reluctance(turn % 2 == 0 ? 0 : 40);
            machine.set_budget(turn < 3 ? 600 : 100);
            ASSERT_EQ(difference(region.source(), optimizer().graph(), state, machine), "")
                << "seed " << seed << ", passes " << masks[i] << ", state " << turn << "\n"
                << to_string(optimizer());
        }
    }
}

TEST(RandomRegions, ComputeWhatTheirIrDoes) {
    const auto [first, count] = seeds(600);
    for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed)
        check(seed);
}

} // namespace

} // namespace ashlar::jit::optimizer::test
