#include "kernel/physical_memory.h"

#include <map>
#include <random>

#include "hosttests/frames/frames_test.h"

namespace ashlar::kernel {
namespace {

using Frames = FramesTest;

TEST_F(Frames, BlocksAreAlignedAndAccounted) {
    all_usable();
    start();
    const std::uint64_t before = frames->free_frames();
    const auto block = allocate(9);
    ASSERT_TRUE(block.ok());
    EXPECT_TRUE(block.value().is_aligned(2 * kMiB));
    EXPECT_EQ(account.frames, 512u);
    EXPECT_EQ(account.frames_on[0], 512u);
    EXPECT_EQ(frames->free_frames(), before - 512);
    frames->free(block.value(), 9, account);
    EXPECT_EQ(account.frames, 0u);
    EXPECT_EQ(account.frames_on[0], 0u);
    EXPECT_EQ(frames->free_frames(), before);
}

TEST_F(Frames, LimitOfTheAccountIsKept) {
    all_usable();
    start();
    account.limit_frames = 3;
    EXPECT_TRUE(allocate(1).ok());
    EXPECT_EQ(allocate(1).error(), Error::Denied);
    account.limit_frames = 1; // below what it has already
    EXPECT_EQ(allocate(0).error(), Error::Denied);
}

TEST_F(Frames, OrdersAndNodesThatCannotBeAreRefused) {
    all_usable();
    start();
    EXPECT_EQ(allocate(kMaxOrder + 1).error(), Error::InvalidArgument);
    EXPECT_EQ(allocate(0, {.node = 1}).error(), Error::InvalidArgument);
    EXPECT_EQ(allocate(kMaxOrder).error(), Error::OutOfMemory);
}

TEST_F(Frames, WithoutMemoryThereIsNone) {
    start();
    EXPECT_EQ(frames->free_frames(), 0u);
    EXPECT_EQ(allocate(0).error(), Error::OutOfMemory);
}

TEST_F(Frames, RandomUseNeverOverlapsAndComesBackWhole) {
    all_usable();
    start();
    const NodeStatistics before = frames->statistics(0);
    std::mt19937 random(1);
    std::map<std::uint64_t, unsigned> held; // address -> order
    for (int step = 0; step < 20000; ++step) {
        if (random() % 2 == 0 || held.empty()) {
            const unsigned order = random() % 8;
            const auto block = allocate(order);
            if (!block.ok())
                continue;
            const std::uint64_t begin = block.value().value(), end = begin + (kPageSize << order);
            const auto next = held.lower_bound(begin);
            ASSERT_TRUE(next == held.end() || next->first >= end);
            if (next != held.begin()) {
                const auto previous = std::prev(next);
                ASSERT_LE(previous->first + (kPageSize << previous->second), begin);
            }
            held[begin] = order;
        } else {
            auto victim = held.begin();
            std::advance(victim, static_cast<long>(random() % held.size()));
            frames->free(PhysicalAddress(victim->first), victim->second, account);
            held.erase(victim);
        }
    }
    for (const auto& [address, order] : held)
        frames->free(PhysicalAddress(address), order, account);
    EXPECT_EQ(frames->free_frames(), before.free_frames);
    frames->empty_caches();
    const NodeStatistics after = frames->statistics(0);
    EXPECT_EQ(after.free_frames, before.free_frames);
    EXPECT_EQ(after.cached_frames, 0u);
    for (unsigned order = 0; order <= kMaxOrder; ++order)
        EXPECT_EQ(after.free_by_order[order], before.free_by_order[order]) << order;
    EXPECT_EQ(account.frames, 0u);
}

TEST_F(Frames, EverySingleFrameCanBeHad) {
    all_usable();
    start();
    const std::uint64_t before = frames->free_frames();
    std::vector<PhysicalAddress> held;
    for (;;) {
        const auto frame = allocate(0);
        if (!frame.ok())
            break;
        held.push_back(frame.value());
    }
    EXPECT_EQ(held.size(), before);
    EXPECT_EQ(frames->free_frames(), 0u);
    for (const PhysicalAddress frame : held)
        frames->free(frame, 0, account);
    EXPECT_EQ(frames->free_frames(), before);
}

class TwoNodes : public Frames {
protected:
    TwoNodes() {
        all_usable();
        nodes(2);
        start();
    }
};

TEST_F(TwoNodes, MemoryComesFromTheNodeThatIsWishedFor) {
    EXPECT_EQ(node_of(allocate(0, {.node = 0}).value()), 0u);
    EXPECT_EQ(node_of(allocate(0, {.node = 1}).value()), 1u);
    EXPECT_EQ(node_of(allocate(5, {.node = 1}).value()), 1u);
    EXPECT_EQ(account.frames_on[0], 1u);
    EXPECT_EQ(account.frames_on[1], 33u);
}

TEST_F(TwoNodes, FallsBackUnlessStrict) {
    while (allocate(0, strict(1)).ok()) {
    }
    EXPECT_EQ(frames->statistics(1).free_frames, 0u);
    EXPECT_EQ(allocate(0, strict(1)).error(), Error::OutOfMemory);
    EXPECT_EQ(node_of(allocate(0, {.node = 1}).value()), 0u);
}

TEST_F(TwoNodes, HitsAreCountedWhereMemoryComesFrom) {
    const auto hits = [&](NodeId node, Hit hit) {
        return frames->statistics(node).hits[static_cast<std::size_t>(hit)];
    };
    const std::uint64_t local = hits(0, Hit::Local), remote = hits(0, Hit::Remote);
    while (allocate(0, {.node = 1, .others = {}, .hit = Hit::Interleaved}).ok()) {
    }
    EXPECT_EQ(hits(1, Hit::Interleaved), frames->statistics(1).total_frames);
    EXPECT_EQ(hits(1, Hit::Local), 0u);
    ASSERT_TRUE(allocate(3, {.node = 1}).ok());
    ASSERT_TRUE(allocate(2, {.node = 0}).ok());
    EXPECT_EQ(hits(0, Hit::Remote) - remote, 8u);
    EXPECT_EQ(hits(0, Hit::Local) - local, 4u);
}

class FourNodes : public Frames {
protected:
    FourNodes() {
        all_usable();
        nodes(4);
        boot.numa.distance[2][0] = 15; // nearer to 2 than its neighbours
        start();
    }
    // Which nodes memory comes from, one after the other, as they fill up.
    std::vector<NodeId> order_of(const NodeWish& wish) {
        std::vector<NodeId> seen;
        for (;;) {
            const auto frame = allocate(0, wish);
            if (!frame.ok())
                return seen;
            if (seen.empty() || seen.back() != node_of(frame.value()))
                seen.push_back(node_of(frame.value()));
        }
    }
};

TEST_F(FourNodes, FallBackFollowsTheDistances) {
    EXPECT_EQ(order_of({.node = 2}), (std::vector<NodeId>{2, 0, 1, 3}));
}

TEST_F(FourNodes, FallBackKeepsToTheNodesOfTheWish) {
    NodeSet others = NodeSet::of(3);
    others.add(0);
    EXPECT_EQ(order_of({.node = 2, .others = others}), (std::vector<NodeId>{2, 0, 3}));
    EXPECT_EQ(frames->statistics(1).free_frames, frames->statistics(1).total_frames);
}

TEST_F(Frames, MemorylessNodesFallBackAndRefuseWhenStrict) {
    all_usable();
    nodes(2);
    boot.numa.node_count = 3;
    boot.numa.distance[2][0] = 30;
    boot.numa.distance[2][1] = 20;
    start();
    EXPECT_EQ(frames->statistics(2).total_frames, 0u);
    EXPECT_EQ(allocate(0, strict(2)).error(), Error::OutOfMemory);
    EXPECT_EQ(node_of(allocate(0, {.node = 2}).value()), 1u);
}

class Large : public FramesTest {
protected:
    Large() : FramesTest(4 * kGiB) {}
};

TEST_F(Large, BlocksOfAGigabyteComeAlignedAndJoinAgain) {
    range(kMiB, kGiB - kMiB);
    range(kGiB, 3 * kGiB);
    start();
    const NodeStatistics before = frames->statistics(0);
    EXPECT_EQ(before.free_by_order[kMaxOrder], 3u);
    const auto block = allocate(kMaxOrder);
    ASSERT_TRUE(block.ok());
    EXPECT_TRUE(block.value().is_aligned(kGiB));
    const auto small = allocate(0, {});
    frames->free(block.value(), kMaxOrder, account);
    frames->free(small.value(), 0, account);
    frames->empty_caches();
    EXPECT_EQ(frames->statistics(0).free_by_order[kMaxOrder], 3u);
}

using FramesDeathTest = Frames;

TEST_F(FramesDeathTest, FreeingTwiceIsCaught) {
    all_usable();
    start();
    for (const unsigned order : {0u, 3u}) {
        const PhysicalAddress a = allocate(order).value();
        ASSERT_TRUE(allocate(order).ok());
        frames->free(a, order, account);
        EXPECT_DEATH(frames->free(a, order, account), "assertion failed");
    }
}

TEST_F(FramesDeathTest, FreeingWithAnotherOrderOrAccountIsCaught) {
    all_usable();
    start();
    const PhysicalAddress block = allocate(3).value();
    EXPECT_DEATH(frames->free(block, 2, account), "assertion failed");
    EXPECT_DEATH(frames->free(block + kPageSize, 0, account), "assertion failed");
    MemoryAccount other;
    EXPECT_DEATH(frames->free(block, 3, other), "assertion failed");
}

TEST_F(FramesDeathTest, FreeingWhatIsNotOursIsCaught) {
    all_usable();
    start();
    ASSERT_TRUE(allocate(3).ok());
    EXPECT_DEATH(frames->free(PhysicalAddress(0), 0, account), "assertion failed");
    EXPECT_DEATH(frames->free(PhysicalAddress(kGiB), 0, account), "assertion failed");
}

} // namespace
} // namespace ashlar::kernel
