// Atomic accesses within regions: what is asked of each, and what another has answered.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Opcode;
using ir::Value;

constexpr ir::MemoryAccess kWord{4, ir::Extension::Sign}, kDouble{8, ir::Extension::Sign};

template <class... Make>
Region block(Make... make) {
    Region region;
    region.begin(0);
    (..., (region.next(), make(region.build())));
    region.jump(SourceBlock::kOutside);
    return region;
}

auto add_to(unsigned base, ir::MemoryAccess access, std::int64_t distance = 0) {
    return [=](Builder& b) {
        const Value address = b.binary(Opcode::Add, b.get(base), b.constant(distance));
        b.set(3, b.atomic(ir::AtomicOperation::Add, access, address, b.get(4)));
    };
}
auto reserve(unsigned base, ir::MemoryAccess access = kDouble) {
    return [=](Builder& b) { b.set(3, b.load_reserved(access, b.get(base))); };
}
auto store_conditional(unsigned base, ir::MemoryAccess access = kDouble) {
    return [=](Builder& b) { b.set(11, b.store_conditional(access, b.get(base), b.get(4))); };
}
auto store(unsigned base) {
    return [=](Builder& b) { b.store({8}, b.get(base), 0, b.get(4)); };
}

std::vector<Node> atomics(const Region& region, unsigned passes = kAllPasses) {
    Graph& graph = optimize(region.source(), passes);
    std::vector<Node> found;
    for (const BlockId id : graph.order)
        for (NodeId n = graph.blocks[id].first; n != kNoNode; n = graph.at(n).next)
            if (is_atomic(graph.at(n)))
                found.push_back(graph.at(n));
    return found;
}

unsigned checks(Graph& graph) {
    unsigned count = 0;
    for (const BlockId id : graph.order)
        for (NodeId n = graph.blocks[id].first; n != kNoNode; n = graph.at(n).next)
            count += graph.at(n).kind == Kind::Probe || graph.at(n).kind == Kind::Within ? 1 : 0;
    return count;
}

TEST(Atomics, AlignmentIsAskedOnceForEachAddress) {
    const std::vector<Node> found =
        atomics(block(add_to(8, kDouble), add_to(8, kWord), add_to(8, kWord, 4), add_to(8, kDouble, 4),
                      add_to(9, kWord), add_to(9, kDouble)));
    ASSERT_EQ(found.size(), 6u);
    EXPECT_FALSE(found[0].aligned);
    EXPECT_TRUE(found[1].aligned);
    EXPECT_TRUE(found[2].aligned);
    EXPECT_FALSE(found[3].aligned) << "four bytes further a doubleword is not aligned";
    EXPECT_FALSE(found[4].aligned);
    EXPECT_FALSE(found[5].aligned) << "a word's address need not be a doubleword's";
    EXPECT_FALSE(atomics(block(add_to(8, kDouble), add_to(8, kWord)), kAllPasses & ~kMergeGuards)[1].aligned);
}

TEST(Atomics, AlignmentOnOneOfTwoWaysIsNoAnswer) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    region.branch(ir::Condition::NotEqual, b.get(5), b.get(0), 1, 2);
    region.begin(256);
    region.next();
    add_to(8, kDouble)(b);
    region.jump(2);
    region.begin(512);
    region.next();
    add_to(8, kDouble)(b);
    region.jump(SourceBlock::kOutside);
    for (const Node& node : atomics(region))
        EXPECT_FALSE(node.aligned);
}

TEST(Atomics, ShareTheirChecksWithOtherAccesses) {
    const Region region = block(reserve(8), store_conditional(8), store(8));
    EXPECT_EQ(checks(optimize(region.source())), 1u);
    EXPECT_EQ(checks(optimize(region.source(), kAllPasses & ~kExtents)), 1u);
}

TEST(Atomics, AStoreConditionalKnowsItsReservation) {
    const auto second = [](const Region& region) { return atomics(region).at(1).reserved; };
    EXPECT_TRUE(second(block(reserve(8), store_conditional(8))));
    EXPECT_TRUE(second(block(reserve(8), store(9), store_conditional(8))));
    EXPECT_FALSE(second(block(reserve(8), store_conditional(9))));
    EXPECT_FALSE(second(block(reserve(8), store_conditional(8, kWord))));
    EXPECT_FALSE(second(block(store_conditional(8), store_conditional(8))));
    EXPECT_FALSE(atomics(block(reserve(8), reserve(9), store_conditional(8))).at(2).reserved);
    EXPECT_FALSE(atomics(block(reserve(8), store_conditional(8), store_conditional(8))).at(2).reserved);
}

TEST(Atomics, AReservationIsKnownBehindABranch) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    reserve(8)(b);
    region.next();
    region.branch(ir::Condition::NotEqual, b.get(3), b.get(0), SourceBlock::kOutside, 1);
    region.begin(256);
    region.next();
    store_conditional(8)(b);
    region.next();
    region.branch(ir::Condition::NotEqual, b.get(11), b.get(0), 0, SourceBlock::kOutside);
    EXPECT_TRUE(atomics(region).at(1).reserved);
}

TEST(Atomics, EverythingElseStaysBehindThem) {
    // Given: an instruction that may leave behind one that has changed memory
    const Region region = block(
        add_to(8, kDouble), [](Builder& b) { b.guard(0, 0); }, add_to(9, kDouble));
    // Then: the graph is verified, and behaves like its source wherever it is left
    Graph& graph = optimize(region.source());
    std::mt19937_64 random(1);
    for (unsigned i = 0; i < 200; ++i) {
        State state = random_state(random);
        if (i % 2 == 0)
            for (const std::size_t slot : {8, 9})
                state.slots[slot] &= ~std::uint64_t{7};
        GraphMachine machine(graph, i);
        machine.set_reluctance(4);
        EXPECT_EQ(difference(region.source(), graph, state, machine), "");
    }
}

} // namespace

} // namespace ashlar::jit::optimizer::test
