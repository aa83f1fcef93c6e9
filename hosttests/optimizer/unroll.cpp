// Which loops are repeated, and where their copies lead.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Value;

// Adds -1 to slot 6 and goes to `taken` while that is not 0.
void count_down(Region& region, std::int16_t taken, std::int16_t other) {
    Builder& b = region.next();
    const Value left = b.binary(Opcode::Add, b.get(6), b.constant(-1));
    b.set(6, left);
    region.branch(Condition::NotEqual, b.get(6), b.get(0), taken, other);
}

// A block before a loop of one block of so many guest instructions.
Region loop_of(unsigned instructions) {
    Region region;
    region.begin(0);
    region.jump(1);
    region.begin(256, 100);
    for (unsigned i = 1; i < instructions; ++i)
        region.next().set(3, region.build().load({8}, ir::Type::Integer, region.build().get(8), 8 * int(i)));
    count_down(region, 1, SourceBlock::kOutside);
    return region;
}

std::vector<std::int16_t> taken_of(const Region& region) {
    std::vector<std::int16_t> targets;
    for (const SourceBlock& block : region.source().blocks)
        targets.push_back(block.taken);
    return targets;
}

TEST(Unroll, ASmallLoopTakesFourTurnsInARow) {
    Region region = loop_of(3);
    region.unroll();
    EXPECT_EQ(taken_of(region), (std::vector<std::int16_t>{1, 2, 3, 4, 1}));
}

TEST(Unroll, ALargerOneFewerAndALargeOneNone) {
    Region larger = loop_of(20), large = loop_of(30);
    larger.unroll();
    large.unroll();
    EXPECT_EQ(taken_of(larger), (std::vector<std::int16_t>{1, 2, 1}));
    EXPECT_EQ(taken_of(large), (std::vector<std::int16_t>{1, 1}));
}

TEST(Unroll, OnlyInnermostLoops) {
    // Given a loop around a loop
    Region region;
    region.begin(0, 10);
    region.jump(1);
    region.begin(256, 100);
    count_down(region, 1, 2);
    region.begin(512, 10);
    count_down(region, 0, SourceBlock::kOutside);
    // When loops are unrolled
    region.unroll();
    // Then the copies of the inner one lead to the end of the outer one, which is there once
    EXPECT_EQ(taken_of(region), (std::vector<std::int16_t>{1, 3, 0, 4, 5, 1}));
    for (const std::size_t block : {1u, 3u, 4u, 5u})
        EXPECT_EQ(region.source().blocks[block].not_taken, 2);
}

TEST(Unroll, NothingIsMadeOfNothing) {
    Region region;
    region.unroll();
    EXPECT_TRUE(region.source().blocks.empty());
}

TEST(Unroll, NoLoopWhoseWaysAreManyOrThatIsEnteredInTheMiddle) {
    Region dispatch;
    dispatch.begin(0, 100);
    dispatch.jump(1);
    dispatch.begin(256, 100);
    dispatch.next();
    dispatch.jump_indirect(dispatch.build().get(3), 0, {{0, 3}, {1, 1}});
    dispatch.unroll();
    EXPECT_EQ(dispatch.source().blocks.size(), 2u);

    Region twice;
    twice.begin(0);
    count_down(twice, 1, 2);
    twice.begin(256, 100);
    twice.jump(2);
    twice.begin(512, 100);
    count_down(twice, 1, SourceBlock::kOutside);
    twice.unroll();
    EXPECT_EQ(twice.source().blocks.size(), 3u);
}

TEST(Unroll, TurnsShareTheLookAtTheBudgetAndTheCheckOfAnAddress) {
    // Given a loop that reads a byte and goes on to the next one
    Region region;
    region.begin(0);
    region.jump(1);
    region.begin(256, 100);
    Builder& b = region.next();
    b.set(3, b.load({1}, ir::Type::Integer, b.get(8), 0));
    region.next().set(8, b.binary(Opcode::Add, b.get(8), b.constant(1)));
    count_down(region, 1, SourceBlock::kOutside);
    // When it is unrolled and optimized
    region.unroll();
    Graph& graph = optimize(region.source());
    // Then one check is for all turns, beside the one before the loop, and one edge looks at the budget
    const std::vector<Node> checks = nodes(graph, Kind::Within);
    ASSERT_EQ(checks.size(), 2u);
    EXPECT_EQ(checks[1].high - checks[1].low, 4);
    std::size_t looks = 0;
    for (const BlockId id : graph.order)
        looks += graph.blocks[id].taken.backward + graph.blocks[id].not_taken.backward;
    EXPECT_EQ(looks, 1u);
}

} // namespace

} // namespace ashlar::jit::optimizer::test
