// Words of the guest's state within regions, what leaves because of them, and static rounding modes.
#include "jit/optimizer/state_words.h"

#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Opcode;
using ir::Value;

constexpr unsigned kWord = ir::kFrontendSlot + 3, kOther = ir::kFrontendSlot + 4;

template <class... Make>
Region block(Make... make) {
    Region region;
    region.begin(0);
    (..., (region.next(), make(region.build())));
    region.jump(SourceBlock::kOutside);
    return region;
}

auto read(unsigned word, unsigned to) {
    return [=](Builder& b) { b.set(to, b.get(word)); };
}
auto exchange(unsigned word, unsigned with) {
    return [=](Builder& b) {
        const Value old = b.get(word);
        b.set(word, b.get(with));
        b.set(with, old);
    };
}
// As sstatus: the change comes first, then the call if it is one that somebody must hear of.
auto change(unsigned word, unsigned by) {
    return [=](Builder& b) {
        const Value old = b.get(word), changed = b.binary(Opcode::And, b.get(by), b.get(kOther));
        b.set(word, b.binary(Opcode::Xor, old, changed));
        b.call_if(changed, 0, 0);
    };
}

std::vector<Node> all_nodes(Graph& graph) {
    std::vector<Node> found;
    for (const BlockId id : graph.order)
        for (NodeId n = graph.blocks[id].first; n != kNoNode; n = graph.at(n).next)
            found.push_back(graph.at(n));
    return found;
}
std::vector<Node> operations(Graph& graph, Opcode opcode) {
    std::vector<Node> found;
    for (const Node& node : all_nodes(graph))
        if (node.kind == Kind::Operation && node.opcode == opcode)
            found.push_back(node);
    return found;
}
std::vector<Node> leaves(Graph& graph) {
    std::vector<Node> found;
    for (const Node& node : all_nodes(graph))
        if (node.kind == Kind::LeaveIf)
            found.push_back(node);
    return found;
}

void expect_agreement(const Region& region, Graph& graph) {
    std::mt19937_64 random(1);
    for (unsigned i = 0; i < 200; ++i) {
        const State state = random_state(random);
        GraphMachine machine(graph, i);
        machine.set_reluctance(i % 5);
        EXPECT_EQ(difference(region.source(), graph, state, machine), "");
    }
}

TEST(StateWords, OneThatNothingSetsIsReadOnce) {
    const Region region = block(read(kWord, 3), read(kWord, 4), read(kOther, 11));
    Graph& graph = optimize(region.source());
    EXPECT_EQ(operations(graph, Opcode::Get).size(), 2u);
    expect_agreement(region, graph);
}

TEST(StateWords, OneThatNothingSetsIsReadBeforeTheLoop) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    read(kWord, 3)(b);
    region.next();
    region.branch(ir::Condition::NotEqual, b.get(5), b.get(0), 0, SourceBlock::kOutside);
    const std::vector<Node> reads = operations(optimize(region.source()), Opcode::Get);
    ASSERT_EQ(reads.size(), 1u);
    EXPECT_EQ(reads[0].block, 0);
}

TEST(StateWords, AreWrittenInTheirOrder) {
    const Region region = block(exchange(kWord, 3), read(kWord, 4), exchange(kWord, 3));
    Graph& graph = optimize(region.source());
    EXPECT_EQ(operations(graph, Opcode::Set).size(), 2u);
    EXPECT_EQ(operations(graph, Opcode::Get).size(), 1u) << "what was written is known";
    expect_agreement(region, graph);
}

TEST(StateWords, AreReadAgainInOtherBlocksOnceTheyAreSet) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    exchange(kWord, 3)(b);
    region.jump(1);
    region.begin(256);
    region.next();
    read(kWord, 4)(b);
    region.jump(SourceBlock::kOutside);
    Graph& graph = optimize(region.source());
    EXPECT_EQ(operations(graph, Opcode::Get).size(), 2u);
    expect_agreement(region, graph);
}

TEST(StateWords, TheRegionIsLeftBeforeTheChangeThatMustBeHeardOf) {
    const Region region = block(read(kWord, 3), change(kWord, 4), read(kWord, 11));
    Graph& graph = optimize(region.source());
    const std::vector<Node> found = leaves(graph);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].guest_index, 1);
    EXPECT_EQ(found[0].sets, 1) << "of the instruction before";
    expect_agreement(region, graph); // the graph was verified: no effect comes before an exit
}

TEST(StateWords, TheSameCheckIsMadeOnce) {
    const auto check = [](Builder& b) { b.call_unless(b.get(kWord), 0, 0); };
    const auto opposite = [](Builder& b) { b.call_if(b.get(kWord), 0, 0); };
    EXPECT_EQ(leaves(optimize(block(check, check, read(kOther, 3)).source())).size(), 1u);
    EXPECT_EQ(leaves(optimize(block(check, opposite).source())).size(), 2u);
    EXPECT_EQ(leaves(optimize(block(check, check).source(), kAllPasses & ~kMergeGuards)).size(), 2u);
}

TEST(StateWords, WhatIsCertainIsNotChecked) {
    const auto check = [](Builder& b) {
        b.call_if(b.binary(Opcode::And, b.get(kWord), b.constant(0)), 0, 0);
    };
    EXPECT_TRUE(leaves(optimize(block(check, read(kWord, 3)).source())).empty());
}

TEST(StateWords, ACallWhoseConditionComesTooLateEndsTheRegion) {
    // Given: a condition that is read after the change
    const auto late = [](Builder& b) {
        b.set(kWord, b.get(3));
        b.call_if(b.get(kOther), 0, 0);
    };
    Region region;
    region.begin(0);
    for (unsigned i = 0; i < 10; ++i) {
        region.next();
        read(kWord, 3)(region.build());
    }
    region.next();
    late(region.build());
    region.jump(SourceBlock::kOutside);
    // Then
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.blocks[1].guest_instructions, 10);
    EXPECT_EQ(graph.blocks[1].taken.leave, Leave::Unsupported);
}

auto add(std::uint8_t rounding, unsigned to) {
    return [=](Builder& b) {
        const ir::FloatMode mode{ir::Precision::Double, rounding};
        const auto get = [&](unsigned n) { return b.get(ir::kFloatSlot + n, ir::Type::Float); };
        b.set(ir::kFloatSlot + to, b.floating(Opcode::FloatArithmetic, mode, 0, get(1), get(2)));
    };
}

TEST(StaticRounding, IsDynamicWhereBothAreTheSame) {
    const Region region = block(add(1, 3), add(1, 4), add(ir::kDynamicRounding, 5), add(0, 6));
    Graph& graph = optimize(region.source());
    for (const Node& node : operations(graph, Opcode::FloatArithmetic))
        EXPECT_EQ(node.rounding, ir::kDynamicRounding);
    EXPECT_EQ(leaves(graph).size(), 2u) << "one for each mode";
    expect_agreement(region, graph);
}

} // namespace

} // namespace ashlar::jit::optimizer::test
