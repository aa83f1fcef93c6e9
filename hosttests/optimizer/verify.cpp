// The verifier finds what is wrong with a graph.
#include "jit/optimizer/verify.h"

#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Value;

// A loop that stores, behind a block that loads.
class Verify : public testing::Test {
protected:
    explicit Verify(unsigned passes = kAllPasses & ~kExtents) {
        Region region;
        Builder& b = region.build();
        region.begin(0);
        region.next();
        b.set(3, b.load({4}, ir::Type::Integer, b.get(8), 16));
        region.jump(1);
        region.begin(256, 100);
        region.next();
        const Value sum = b.binary(Opcode::Xor, b.get(1), b.get(3));
        b.set(1, sum);
        region.next();
        b.store({8}, b.get(9), 0, b.get(1));
        region.next();
        const Value moved = b.binary(Opcode::Add, b.get(9), b.constant(8));
        b.set(9, moved);
        region.next();
        region.branch(Condition::NotEqual, b.get(9), b.get(0), 1, SourceBlock::kOutside);
        optimize(region.source(), passes & ~kSink);
    }
    NodeId find(Opcode opcode) {
        for (std::size_t i = 0; i < graph.nodes.size(); ++i)
            if (graph.is_operation(static_cast<NodeId>(i), opcode) && graph.nodes[i].block != kNoBlock)
                return static_cast<NodeId>(i);
        return kNoNode;
    }
    NodeId find(Kind kind) {
        for (std::size_t i = 0; i < graph.nodes.size(); ++i)
            if (graph.nodes[i].kind == kind && graph.nodes[i].block != kNoBlock)
                return static_cast<NodeId>(i);
        return kNoNode;
    }
    std::string_view verdict() { return verify(graph, Stage::Charged).message; }

    Graph& graph = optimizer().graph();
};

TEST_F(Verify, IsContentWithWhatTheOptimizerMakes) {
    EXPECT_EQ(verdict(), "");
}

TEST_F(Verify, WantsListsWhole) {
    const NodeId id = find(Opcode::Store);
    graph.at(id).previous = kNoNode;
    EXPECT_EQ(verdict(), "a list of nodes is broken");
}

TEST_F(Verify, WantsPredecessorsAsEdgesSay) {
    graph.blocks[2].predecessor_count = 1;
    EXPECT_EQ(verdict(), "predecessors and edges differ");
}

TEST_F(Verify, WantsOperandsBeforeTheirUses) {
    // Given: the sum moved behind the store of it
    const NodeId sum = find(Opcode::Xor);
    graph.remove(sum);
    EXPECT_EQ(verdict(), "an operand is not in the graph");
    graph.append(2, sum);
    EXPECT_EQ(verdict(), "an operand is not computed on every way to its use");
}

TEST_F(Verify, WantsAWholePhi) {
    const NodeId phi = graph.resolve(graph.blocks[2].entry[1]);
    ASSERT_EQ(graph.at(phi).kind, Kind::Phi);
    graph.phis[graph.at(phi).phi].values[0] = kNoNode;
    EXPECT_EQ(verdict(), "an operand is missing");
}

TEST_F(Verify, WantsProbesToCoverAccesses) {
    const NodeId load = find(Opcode::Load);
    graph.at(graph.at(load).operands[1]).high = 18;
    EXPECT_EQ(verdict(), "an access outside its probe's range");
}

TEST_F(Verify, WantsProbesForWritingWhereSomethingIsWritten) {
    const NodeId probe = graph.resolve(graph.at(find(Opcode::Store)).operands[2]);
    graph.at(probe).writes = false;
    EXPECT_EQ(verdict(), "a store whose probe is for loads");
}

TEST_F(Verify, WantsAccessesThroughTheirProbesAddress) {
    graph.at(find(Opcode::Load)).operands[0] = graph.entries[10];
    EXPECT_EQ(verdict(), "an access through another value than its probe's");
}

TEST_F(Verify, WantsExitsBeforeWhatTheyLeaveToBeDone) {
    // Given: a guard of the store's own instruction behind the store
    Node guard;
    guard.kind = Kind::Guard;
    guard.guest_index = graph.at(find(Opcode::Store)).guest_index;
    graph.append(2, graph.create(guard));
    EXPECT_EQ(verdict(), "an exit comes after what it says is yet to happen");
}

TEST_F(Verify, WantsStreamsToStartBeforeTheirLoops) {
    const NodeId start = find(Kind::StreamStart);
    ASSERT_NE(start, kNoNode);
    graph.at(start).operands[0] = graph.entries[8];
    EXPECT_EQ(verdict(), "a stream that starts elsewhere than its address");
    graph.at(start).operands[0] = graph.entries[9];
    EXPECT_EQ(verdict(), "");
    graph.at(find(Kind::StreamProbe)).high = 5000;
    EXPECT_EQ(verdict(), "a stream far from its address");
}

TEST_F(Verify, WantsNobodyButExitsToLookAtWhatTheyCompute) {
    graph.at(find(Opcode::Xor)).sunk = true;
    EXPECT_EQ(verdict(), "a value that only exits compute is looked at elsewhere");
}

TEST_F(Verify, WantsChargesForWhatWasExecuted) {
    graph.blocks[2].pending = 77;
    EXPECT_EQ(verdict(), "what is to be charged was not executed");
}

class VerifyExtents : public Verify {
protected:
    VerifyExtents() : Verify(kAllPasses) {}
    NodeId check_of(Opcode access) { return graph.at(find(access)).check; }
};

TEST_F(VerifyExtents, IsContentWithWhatTheOptimizerMakes) {
    EXPECT_NE(check_of(Opcode::Load), kNoNode);
    EXPECT_TRUE(graph.at(check_of(Opcode::Store)).grows);
    EXPECT_EQ(verdict(), "");
}

TEST_F(VerifyExtents, WantsChecksToCoverAccesses) {
    graph.at(check_of(Opcode::Load)).high = 18;
    EXPECT_EQ(verdict(), "an access outside what was checked");
}

TEST_F(VerifyExtents, WantsChecksBeforeAccesses) {
    const NodeId check = check_of(Opcode::Load);
    graph.remove(check);
    graph.append(1, check);
    EXPECT_EQ(verdict(), "an access that nothing vouches for");
}

TEST_F(VerifyExtents, WantsExtentsForWritingWhereSomethingIsWritten) {
    for (Node& node : graph.nodes)
        node.slot = static_cast<std::uint8_t>(node.slot % kFirstSlotToWrite);
    EXPECT_EQ(verdict(), "a store by an extent for loads");
}

TEST_F(VerifyExtents, WantsTheAddendOfTheExtentThatWasChecked) {
    graph.at(graph.resolve(graph.at(find(Opcode::Load)).operands[1])).slot ^= 1;
    EXPECT_EQ(verdict(), "an access by another extent than was checked");
}

TEST_F(VerifyExtents, WantsAccessesThroughWhatWasChecked) {
    graph.at(find(Opcode::Load)).operands[0] = graph.entries[10];
    EXPECT_EQ(verdict(), "an access through another value than was checked");
}

TEST_F(VerifyExtents, WantsGrowingAddressesCheckedWhereTheirLoopsBegin) {
    // Given: the check before the loop is of another address
    for (Node& node : graph.nodes)
        if (node.kind == Kind::Within && !node.grows && node.operands[0] == graph.entries[9])
            node.operands[0] = graph.entries[11];
    EXPECT_EQ(verdict(), "a growing address that is not checked where its loop begins");
}

TEST_F(VerifyExtents, WantsAddressesThatAreSaidToGrowToDoSo) {
    graph.at(check_of(Opcode::Load)).grows = true;
    EXPECT_EQ(verdict(), "an address that does not grow as it should");
}

} // namespace

} // namespace ashlar::jit::optimizer::test
