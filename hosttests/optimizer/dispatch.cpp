// Indirect jumps to likely addresses.
#include "jit/optimizer/dispatch.h"

#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"
#include "jit/optimizer/cfg.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;

// Block 0 jumps to x1 + 4; blocks 1 to n follow, with these weights for the ways, and jump out.
Region dispatch(const std::vector<std::uint32_t>& weights) {
    Region region;
    Builder& b = region.build();
    region.begin(0, 100);
    std::vector<Way> ways;
    for (std::size_t i = 0; i < weights.size(); ++i)
        ways.push_back({static_cast<std::int16_t>(i + 1), weights[i]});
    region.next();
    const ir::Value address = b.get(1);
    b.set(1, b.pc_relative(4));
    region.jump_indirect(address, 4, ways);
    for (std::size_t i = 1; i <= weights.size(); ++i) {
        region.begin(static_cast<std::int32_t>(i) * 256, 10);
        region.next();
        b.set(3, b.constant(static_cast<std::int64_t>(i)));
        region.jump(SourceBlock::kOutside);
    }
    return region;
}

constexpr std::uint64_t kStart = 0x8000'0000;

// Comparisons on the way to block `number`.
unsigned comparisons(Graph& graph, unsigned number, std::size_t blocks) {
    const std::int32_t pc = graph.blocks[number + 1].pc;
    unsigned count = 0;
    for (BlockId at = graph.blocks[1].taken.target; at != number + 1; ++count) {
        const BasicBlock& block = graph.blocks[at];
        if (block.end != BasicBlock::End::Branch || count > 2 * blocks)
            return ~0u;
        const std::int64_t bound = graph.at(block.b).immediate + 4; // the displacement
        const bool taken = block.condition == ir::Condition::Equal ? pc == bound : pc < bound;
        at = taken ? block.taken.target : block.not_taken.target;
    }
    return count;
}

TEST(Dispatch, AsksForTheLikeliestFirst) {
    const Region region = dispatch({10, 1, 50, 20});
    Graph& graph = optimize(region.source());
    EXPECT_EQ(comparisons(graph, 3, 4), 1u);
    EXPECT_EQ(comparisons(graph, 4, 4), 2u);
    EXPECT_EQ(comparisons(graph, 1, 4), 3u);
    EXPECT_EQ(comparisons(graph, 2, 4), 4u);
}

TEST(Dispatch, HalvesWhatIsEquallyLikely) {
    const std::vector<std::uint32_t> weights(RegionSource::kMaxWays, 7);
    const Region region = dispatch(weights);
    Graph& graph = optimize(region.source());
    for (unsigned number = 1; number <= weights.size(); ++number)
        EXPECT_LE(comparisons(graph, number, weights.size()), 6u) << number;
    EXPECT_LE(graph.blocks.size(), 2 + weights.size() + RegionSource::blocks_of_dispatch(weights.size()));
}

TEST(Dispatch, LeadsWhereTheAddressSays) {
    for (const std::size_t ways : {2, 3, 5, 16}) {
        std::vector<std::uint32_t> weights;
        for (std::size_t i = 0; i < ways; ++i)
            weights.push_back(static_cast<std::uint32_t>(i * i % 7));
        const Region region = dispatch(weights);
        Graph& graph = optimize(region.source());
        // To each of them, before and behind all, between two, at an odd address, and far away
        for (std::uint64_t address = kStart; address <= kStart + 256 * (ways + 2); address += 128)
            for (const std::uint64_t odd : {0, 1}) {
                State state{{}, kStart, Memory({})};
                state.slots[1] = address + odd - 4;
                GraphMachine machine(graph, 1);
                EXPECT_EQ(difference(region.source(), graph, state, machine), "") << ways << " " << address;
                state.slots[1] += std::uint64_t{1} << 32;
                EXPECT_EQ(difference(region.source(), graph, state, machine), "") << ways << " " << address;
            }
    }
}

TEST(Dispatch, IsAnExpectationWhereThereIsOneWay) {
    const Region region = dispatch({5});
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.blocks.size(), 3u);
    EXPECT_EQ(graph.blocks[1].end, BasicBlock::End::Jump);
    EXPECT_EQ(graph.at(graph.blocks[1].last).kind, Kind::Expect);
}

TEST(Dispatch, LeavesTheRegionWhenTheBudgetIsSpent) {
    // Given: a loop through a jump to itself or another block
    Region region;
    Builder& b = region.build();
    region.begin(0, 100);
    region.next();
    region.jump_indirect(b.get(1), 0, std::vector<Way>{{0, 9}, {1, 1}});
    region.begin(256, 10);
    region.next();
    region.jump(SourceBlock::kOutside);
    Graph& graph = optimize(region.source());
    State state{{}, kStart, Memory({})};
    state.slots[1] = kStart;
    GraphMachine machine(graph, 1);
    machine.set_budget(10);
    // Then: it goes round and leaves for the address that it would have jumped to
    EXPECT_EQ(difference(region.source(), graph, state, machine), "");
    EXPECT_EQ(machine.run(state).executed, 10u);
    EXPECT_EQ(state.pc, kStart);
}

TEST(Dispatch, NothingIsPutWhereTheGuestIsBetweenInstructions) {
    // Given: a loop that is entered by a dispatch alone
    Region region;
    Builder& b = region.build();
    region.begin(0, 10);
    region.next();
    region.jump_indirect(b.get(1), 0, std::vector<Way>{{1, 9}, {2, 1}});
    region.begin(256, 100);
    region.next();
    b.set(3, b.load({8, ir::Extension::Zero}, ir::Type::Integer, b.get(8), 0));
    region.next();
    region.branch(ir::Condition::NotEqual, b.get(3), b.get(0), 1, SourceBlock::kOutside);
    region.begin(512, 10);
    region.next();
    region.jump(SourceBlock::kOutside);
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.blocks[2].loop, 2);
    EXPECT_EQ(loop_entry(graph, 2), kNoBlock);
    for (std::size_t id = 0; id < graph.blocks.size(); ++id)
        for (NodeId n = graph.blocks[id].first; n != kNoNode && graph.blocks[id].compares;
             n = graph.at(n).next)
            EXPECT_FALSE(exits(graph.at(n)));
}

} // namespace

} // namespace ashlar::jit::optimizer::test
