#include "kernel/placement.h"

#include "hosttests/frames/frames_test.h"
#include "kernel/memory_source.h"
#include "kernel/vcpu_placement.h"

namespace ashlar::kernel {
namespace {

using Kind = MemoryPolicy::Kind;

NodeSet nodes_of(std::initializer_list<NodeId> list) {
    NodeSet set;
    for (const NodeId node : list)
        set.add(node);
    return set;
}

MemoryPolicy policy_of(Kind kind, std::initializer_list<NodeId> nodes = {}) {
    MemoryPolicy policy;
    policy.kind = kind;
    policy.nodes = nodes_of(nodes);
    return policy;
}

// Four nodes in a row, 64 MiB each.
class PlacementTest : public FramesTest {
protected:
    PlacementTest() : FramesTest(256 * kMiB) {
        all_usable();
        nodes(4);
        start();
    }
    MemorySource source(const MemoryPolicy& policy, NodeId home) {
        return MemorySource(*frames, account, Placement(policy, home));
    }
    // The nodes that memory comes from, one frame after the other until there is no more.
    std::vector<NodeId> order_of(MemorySource from) {
        std::vector<NodeId> seen;
        for (;;) {
            const auto frame = from.allocate(0);
            if (!frame.ok()) {
                EXPECT_EQ(frame.error(), Error::OutOfMemory);
                return seen;
            }
            if (seen.empty() || seen.back() != node_of(frame.value()))
                seen.push_back(node_of(frame.value()));
        }
    }
    void use_up(NodeId node) {
        while (frames->allocate(0, strict(node), other_).ok()) {
        }
    }
    std::uint64_t hits(NodeId node, Hit hit) const {
        return frames->statistics(node).hits[static_cast<std::size_t>(hit)];
    }

private:
    MemoryAccount other_;
};

TEST_F(PlacementTest, LocalFallsBackByDistanceFromHome) {
    EXPECT_EQ(order_of(source({}, 1)), (std::vector<NodeId>{1, 0, 2, 3}));
    EXPECT_EQ(hits(1, Hit::Remote), 0u);
    EXPECT_EQ(hits(2, Hit::Local), 0u);
    EXPECT_EQ(hits(2, Hit::Remote), frames->statistics(2).total_frames);
}

TEST_F(PlacementTest, PreferredFallsBackByDistanceFromItsNode) {
    EXPECT_EQ(order_of(source(policy_of(Kind::Preferred, {3}), 0)), (std::vector<NodeId>{3, 2, 1, 0}));
}

TEST_F(PlacementTest, BindTakesItsNodesAloneTheNearestFirst) {
    EXPECT_EQ(order_of(source(policy_of(Kind::Bind, {0, 3}), 2)), (std::vector<NodeId>{3, 0}));
    EXPECT_EQ(frames->statistics(1).free_frames, frames->statistics(1).total_frames);
}

TEST_F(PlacementTest, InterleaveKeepsItsWeights) {
    // Given
    MemoryPolicy policy = policy_of(Kind::Interleave, {0, 1, 3});
    policy.weights[1] = 2;
    policy.weights[3] = 5;
    MemorySource from = source(policy, 0);
    // When: blocks of many sizes
    for (int i = 0; i < 512; ++i)
        ASSERT_TRUE(from.allocate(static_cast<unsigned>(i % 4)).ok());
    // Then
    const double part = static_cast<double>(account.frames) / 8;
    EXPECT_NEAR(static_cast<double>(account.frames_on[0]), part, 8);
    EXPECT_NEAR(static_cast<double>(account.frames_on[1]), 2 * part, 8);
    EXPECT_EQ(account.frames_on[2], 0u);
    EXPECT_NEAR(static_cast<double>(account.frames_on[3]), 5 * part, 8);
    EXPECT_EQ(hits(3, Hit::Interleaved), account.frames_on[3]);
    EXPECT_EQ(hits(3, Hit::Local), 0u);
}

TEST_F(PlacementTest, InterleaveWithoutNodesTakesAll) {
    MemorySource from = source(policy_of(Kind::Interleave), 2);
    for (int i = 0; i < 400; ++i)
        ASSERT_TRUE(from.allocate(0).ok());
    for (NodeId node = 0; node < 4; ++node)
        EXPECT_EQ(account.frames_on[node], 100u) << node;
}

TEST_F(PlacementTest, InterleaveGoesOnWithTheNodesThatAreLeftAndThenWithOthers) {
    use_up(1);
    MemorySource from = source(policy_of(Kind::Interleave, {1, 2, 3}), 0);
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(from.allocate(0).ok());
    EXPECT_EQ(account.frames_on[2], 500u);
    EXPECT_EQ(account.frames_on[3], 500u);
    use_up(2);
    use_up(3);
    EXPECT_EQ(node_of(from.allocate(0).value()), 0u);
    EXPECT_EQ(hits(0, Hit::Interleaved), 0u);
}

TEST_F(PlacementTest, NearnessCountsMoreThanSize) {
    // Given: nothing but single frames on the home node, every other of them free
    std::vector<PhysicalAddress> all;
    for (;;) {
        const auto frame = allocate(0, strict(1));
        if (!frame.ok())
            break;
        all.push_back(frame.value());
    }
    for (const PhysicalAddress frame : all)
        if (frame.page_number() % 2 == 0)
            frames->free(frame, 0, account);
    // When
    constexpr unsigned kOrders[] = {9, 0};
    MemorySource from = source({}, 1);
    const auto near = from.allocate_one_of(kOrders);
    // Then
    EXPECT_EQ(node_of(near.value().address), 1u);
    EXPECT_EQ(near.value().order, 0u);
    use_up(1);
    const auto far = from.allocate_one_of(kOrders);
    EXPECT_EQ(node_of(far.value().address), 0u);
    EXPECT_EQ(far.value().order, 9u);
}

TEST_F(PlacementTest, TablesAreOnTheHomeNodeWherePolicyAllows) {
    EXPECT_EQ(node_of(source(policy_of(Kind::Interleave, {0, 3}), 2).for_tables().allocate(0).value()), 2u);
    EXPECT_EQ(node_of(source(policy_of(Kind::Preferred, {3}), 2).for_tables().allocate(0).value()), 2u);
    EXPECT_EQ(node_of(source(policy_of(Kind::Bind, {3}), 2).for_tables().allocate(0).value()), 3u);
}

TEST_F(PlacementTest, ForWhoeverAsksMemoryIsThatOfTheCpu) {
    MemorySource from(*frames, account);
    EXPECT_EQ(node_of(from.allocate(0).value()), 0u);
    use_up(0);
    EXPECT_EQ(node_of(from.allocate(0).value()), 1u);
}

// ------------------------------------------------------------------------------------------ virtual CPUs

FramesByNode memory_on(std::initializer_list<std::uint64_t> frames) {
    FramesByNode result{};
    std::copy(frames.begin(), frames.end(), result.begin());
    return result;
}

using VcpuPlacement = PlacementTest;

TEST_F(VcpuPlacement, MeanDistanceWeighsWhatIsWhere) {
    EXPECT_EQ(mean_distance(*frames, 0, memory_on({7})), 100u);
    EXPECT_EQ(mean_distance(*frames, 1, memory_on({7})), 200u);
    EXPECT_EQ(mean_distance(*frames, 0, memory_on({1, 1})), 150u);
    EXPECT_EQ(mean_distance(*frames, 0, memory_on({3, 0, 0, 1})), 175u);
    EXPECT_EQ(mean_distance(*frames, 0, memory_on({})), 0u);
}

TEST_F(VcpuPlacement, CpusOfTheMemorysNodeAreTaken) {
    const CpuInUse cpus[] = {{0, 0}, {1, 5}, {1, 4}, {2, 0}};
    unsigned chosen[4];
    place_vcpus(*frames, cpus, memory_on({1, 9}), chosen);
    // The less busy one first, then by turns: no CPU of another node
    EXPECT_EQ((std::vector<unsigned>(chosen, chosen + 4)), (std::vector<unsigned>{2, 1, 2, 1}));
}

TEST_F(VcpuPlacement, WithoutCpusOnTheNodeTheNearestAreTaken) {
    const CpuInUse cpus[] = {{0, 0}, {2, 9}};
    unsigned chosen[1];
    place_vcpus(*frames, cpus, memory_on({0, 0, 0, 8}), chosen);
    EXPECT_EQ(chosen[0], 1u);
    place_vcpus(*frames, std::span(cpus).first(1), memory_on({0, 0, 0, 8}), chosen);
    EXPECT_EQ(chosen[0], 0u);
}

TEST_F(VcpuPlacement, HomeIsTheConfigurationsElseNearACpuWithMostFree) {
    const CpuInUse cpus[] = {{1, 0}, {2, 0}};
    EXPECT_EQ(choose_home(*frames, cpus, {}, NodeId{3}), 3u);
    EXPECT_EQ(choose_home(*frames, cpus, policy_of(Kind::Preferred, {0}), {}), 0u);
    EXPECT_EQ(choose_home(*frames, cpus, policy_of(Kind::Preferred, {0}), NodeId{3}), 3u);
    EXPECT_EQ(choose_home(*frames, cpus, {}, {}), 1u);
    ASSERT_TRUE(allocate(5, strict(1)).ok());
    EXPECT_EQ(choose_home(*frames, cpus, {}, {}), 2u);
    EXPECT_EQ(choose_home(*frames, cpus, policy_of(Kind::Bind, {0, 3}), {}), 3u); // 0 has less
    EXPECT_EQ(choose_home(*frames, cpus, policy_of(Kind::Interleave, {0, 1, 3}), {}), 1u);
    EXPECT_EQ(choose_home(*frames, cpus, policy_of(Kind::Interleave), {}), 2u);
}

} // namespace
} // namespace ashlar::kernel
