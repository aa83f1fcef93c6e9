// Branches, loops, guards and charges.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"
#include "jit/optimizer/cfg.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Value;

std::size_t count(Graph& graph, BlockId block, Kind kind) {
    std::size_t result = 0;
    for (NodeId n = graph.blocks[block].first; n != kNoNode; n = graph.at(n).next)
        result += graph.at(n).kind == kind ? 1 : 0;
    return result;
}
std::size_t count(Graph& graph, BlockId block, Opcode opcode) {
    std::size_t result = 0;
    for (NodeId n = graph.blocks[block].first; n != kNoNode; n = graph.at(n).next)
        result += graph.is_operation(n, opcode) ? 1 : 0;
    return result;
}

// Branches on `condition` between `test`'s value and 0.
template <class Test>
const BasicBlock& branch_on(Test test, Condition condition) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    region.branch(condition, test(b), b.get(0), SourceBlock::kOutside, SourceBlock::kOutside);
    return optimize(region.source()).blocks[1];
}

TEST(Branches, LookAtTheComparisonItself) {
    const auto less = [](Builder& b) { return b.binary(Opcode::Less, b.get(1), b.get(2)); };
    EXPECT_EQ(branch_on(less, Condition::NotEqual).condition, Condition::Less);
    EXPECT_EQ(branch_on(less, Condition::Equal).condition, Condition::GreaterEqual);
    const auto below = [](Builder& b) { return b.binary(Opcode::LessUnsigned, b.get(1), b.get(2)); };
    EXPECT_EQ(branch_on(below, Condition::NotEqual).condition, Condition::LessUnsigned);
    EXPECT_EQ(branch_on(below, Condition::Equal).condition, Condition::GreaterEqualUnsigned);
    const auto is_zero = [](Builder& b) { return b.binary(Opcode::LessUnsigned, b.get(1), b.constant(1)); };
    EXPECT_EQ(branch_on(is_zero, Condition::NotEqual).condition, Condition::Equal);
    const BasicBlock& not_zero =
        branch_on([](Builder& b) { return b.binary(Opcode::LessUnsigned, b.constant(0), b.get(1)); },
                  Condition::NotEqual);
    EXPECT_EQ(not_zero.condition, Condition::NotEqual);
    EXPECT_EQ(not_zero.a, optimizer().graph().entries[1]);
}

// Block 1 is a loop that block 0 leads into; `body` builds one guest instruction of it.
template <class Body>
Region loop(Body body, std::uint32_t turns = 100) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(5, b.binary(Opcode::Add, b.get(5), b.constant(1)));
    region.jump(1);
    region.begin(256, turns);
    region.next();
    body(b);
    region.next();
    const Value left = b.binary(Opcode::Add, b.get(6), b.constant(-1));
    b.set(6, left);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 1, SourceBlock::kOutside);
    return region;
}
constexpr BlockId kEntry = 1, kLoop = 2;

TEST(Hoisting, TakesOutWhatALoopDoesNotChange) {
    const Region region = loop([](Builder& b) {
        b.set(3, b.binary(Opcode::Xor, b.binary(Opcode::Multiply, b.get(1), b.get(2)), b.get(6)));
    });
    EXPECT_EQ(count(optimize(region.source()), kLoop, Opcode::Multiply), 0u);
    EXPECT_EQ(count(optimizer().graph(), kLoop, Opcode::Xor), 1u);
    EXPECT_EQ(count(optimize(region.source(), kAllPasses & ~kHoist), kLoop, Opcode::Multiply), 1u);
}

TEST(Hoisting, LeavesEffectsWhereTheyAre) {
    const Region region = loop([](Builder& b) {
        const Value sum = b.floating(Opcode::FloatArithmetic, {ir::Precision::Double, ir::kDynamicRounding},
                                     0, b.get(33, ir::Type::Float), b.get(34, ir::Type::Float));
        b.set(35, sum);
    });
    EXPECT_EQ(count(optimize(region.source()), kLoop, Opcode::FloatArithmetic), 1u);
}

TEST(Guards, OneIsEnoughForAllThatItDominates) {
    const auto region_with = [](bool first) {
        Region region;
        Builder& b = region.build();
        region.begin(0, 8); // so that neither is likely enough to stand at the region's entry
        region.next();
        region.branch(Condition::Equal, b.get(1), b.get(0), 1, 2);
        for (const std::int32_t pc : {256, 512}) {
            region.begin(pc);
            region.next();
            if (pc == 512 || first)
                b.guard(0, 0);
            region.jump(pc == 256 ? 2 : SourceBlock::kOutside);
        }
        return region;
    };
    // Given: a guard on one way, and one behind both
    optimize(region_with(true).source());
    EXPECT_EQ(count(optimizer().graph(), 2, Kind::Guard) + count(optimizer().graph(), 3, Kind::Guard), 2u);
    // Given: one before the loop and one within
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.guard(0, 0);
    region.jump(1);
    region.begin(256, 100);
    region.next();
    b.guard(0, 0);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 1, SourceBlock::kOutside);
    EXPECT_EQ(count(optimize(region.source()), kLoop, Kind::Guard), 0u);
    EXPECT_EQ(count(optimize(region.source(), 0), kLoop, Kind::Guard), 1u);
}

TEST(Guards, StandAtTheEntryIfTheyAreLikelyToBeReached) {
    // Given: a loop with a guard, where the region begins
    Region region;
    Builder& b = region.build();
    region.begin(0, 100);
    region.next();
    b.guard(0, 0);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 0, SourceBlock::kOutside);
    // Then: it is looked at before the loop
    Graph& graph = optimize(region.source());
    EXPECT_EQ(count(graph, 0, Kind::Guard), 1u);
    EXPECT_EQ(count(graph, 1, Kind::Guard), 0u);
    EXPECT_EQ(count(optimize(region.source(), kAllPasses & ~kMergeGuards), 0, Kind::Guard), 0u);
}

TEST(Sinking, LeavesToExitsWhatOnlyTheyNeed) {
    // Given: a loop that sets a slot in every turn and never looks at it
    const Region region = loop([](Builder& b) { b.set(3, b.binary(Opcode::Xor, b.get(6), b.constant(5))); });
    const auto is_sunk = [&](unsigned passes) {
        Graph& graph = optimize(region.source(), passes);
        return graph.at(graph.state(kLoop, graph.blocks[kLoop].set_count, 3)).sunk;
    };
    EXPECT_TRUE(is_sunk(kAllPasses));
    EXPECT_FALSE(is_sunk(kAllPasses & ~kSink));
}

TEST(Dead, CodeIsGone) {
    // Given: a value that is overwritten before anything can look at it, and one that an exit looks at
    const Region region = loop([](Builder& b) {
        b.set(3, b.binary(Opcode::Multiply, b.get(6), b.get(1)));
        b.set(3, b.binary(Opcode::Xor, b.get(6), b.get(1)));
    });
    Graph& graph = optimize(region.source());
    EXPECT_EQ(count(graph, kLoop, Opcode::Multiply), 0u);
    EXPECT_EQ(count(graph, kLoop, Opcode::Xor), 1u);
}

TEST(Calls, ReturnsToWhereTheyCameFromNeedNoLook) {
    // Given: a call, whose callee returns through the register that it set
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(1, b.pc_relative(512));
    region.jump(1);
    region.begin(256);
    region.next();
    region.jump_indirect(b.get(1), 0, 2);
    region.begin(512);
    region.next();
    b.set(3, b.constant(1));
    region.jump(SourceBlock::kOutside);
    EXPECT_EQ(count(optimize(region.source()), 2, Kind::Expect), 0u);
    // Given: one that returns through another
    Region other;
    Builder& c = other.build();
    other.begin(0);
    other.next();
    other.jump_indirect(c.get(7), 0, 1);
    other.begin(256);
    other.next();
    other.jump(SourceBlock::kOutside);
    EXPECT_EQ(count(optimize(other.source()), 1, Kind::Expect), 1u);
}

TEST(Charges, AreTakenOverOnTheLikeliestWay) {
    // Given: two ways of different length and likelihood that meet
    Region region;
    Builder& b = region.build();
    region.begin(0, 100);
    region.next();
    region.branch(Condition::Equal, b.get(1), b.get(0), 1, 2);
    region.begin(256, 90);
    region.next();
    b.set(3, b.constant(1));
    region.next();
    b.set(4, b.constant(1));
    region.jump(3);
    region.begin(512, 10);
    region.jump(3);
    region.begin(768, 100);
    region.jump(SourceBlock::kOutside);
    // Then
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.blocks[4].pending, 1 + 3);
    // And the others pay the difference: the machine counts on every way.
    for (const std::uint64_t first : {0, 1}) {
        State state{{}, 0x8000'0000, Memory({})};
        state.slots[1] = first;
        GraphMachine machine(graph, 1);
        EXPECT_EQ(difference(region.source(), graph, state, machine), "");
    }
}

TEST(ControlFlow, LoopsNestAndKnowTheirEntries) {
    // Given: 0 -> 1 -> 2 -> 2, 2 -> 1, 1 -> out
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.jump(1);
    region.begin(256);
    region.next();
    region.branch(Condition::Equal, b.get(1), b.get(0), SourceBlock::kOutside, 2);
    region.begin(512);
    region.next();
    region.branch(Condition::Equal, b.get(2), b.get(0), 2, 1);
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.blocks[3].loop, 3);
    EXPECT_EQ(graph.blocks[3].depth, 2);
    EXPECT_EQ(graph.blocks[2].loop, 2);
    EXPECT_EQ(graph.blocks[2].depth, 1);
    EXPECT_EQ(graph.blocks[1].loop, kNoBlock);
    EXPECT_TRUE(in_loop(graph, 3, 2));
    EXPECT_FALSE(in_loop(graph, 2, 3));
    EXPECT_EQ(loop_entry(graph, 2), 1);
    EXPECT_EQ(loop_entry(graph, 3), 2);
}

} // namespace

} // namespace ashlar::jit::optimizer::test
