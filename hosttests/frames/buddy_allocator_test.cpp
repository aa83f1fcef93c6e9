#include "kernel/buddy_allocator.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

#include "arch/fake/machine.h"
#include "kernel/usable_memory.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// 64 MiB of fake physical memory.
class Frames : public testing::Test {
protected:
    Frames() : memory_(static_cast<std::byte*>(std::aligned_alloc(2 * kMiB, kSize))) {
        arch::fake::machine().memory = memory_;
        arch::fake::machine().memory_size = kSize;
    }
    ~Frames() override { std::free(memory_); }

    void usable(std::uint64_t base, std::uint64_t size, MemoryRange::Kind kind = MemoryRange::Kind::Usable) {
        boot.ranges[boot.range_count++] = {PhysicalAddress(base), size, kind};
    }

    static constexpr std::uint64_t kSize = 64 * kMiB;
    BootInformation boot;
    std::unique_ptr<BuddyAllocator> frames = std::make_unique<BuddyAllocator>();
    MemoryAccount account{.name = "test"};

private:
    std::byte* memory_;
};

std::vector<std::pair<std::uint64_t, std::uint64_t>> runs_of(const BootInformation& boot) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
    for_each_usable_run(boot, [&](std::uint64_t begin, std::uint64_t end) { runs.emplace_back(begin, end); });
    return runs;
}

TEST_F(Frames, UsableMemoryIsSortedMergedAndReservedWins) {
    // Given: unsorted, overlapping and touching ranges, a reserved hole, an image and a bundle in the middle
    usable(0x800000, 0x100000);
    usable(0, 0x9fc00);
    usable(0x100000, 0x700000);
    usable(0x7ff000, 0x2000);
    usable(0x300000, 0x1000, MemoryRange::Kind::Reserved);
    boot.image_begin = PhysicalAddress(0x200000);
    boot.image_end = PhysicalAddress(0x240000);
    boot.bundle = PhysicalAddress(0x400123);
    boot.bundle_size = 0x1000;
    // Then
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected = {
        {0x100, 0x200}, {0x240, 0x300}, {0x301, 0x400}, {0x402, 0x900}};
    EXPECT_EQ(runs_of(boot), expected);
}

TEST_F(Frames, BlocksAreAlignedAndAccounted) {
    usable(kMiB, kSize - kMiB);
    frames->initialize(boot);
    const std::uint64_t before = frames->free_frames();
    const auto block = frames->allocate(9, kAnyNode, account, false);
    ASSERT_TRUE(block.ok());
    EXPECT_TRUE(block.value().is_aligned(2 * kMiB));
    EXPECT_EQ(account.frames, 512u);
    EXPECT_EQ(frames->free_frames(), before - 512);
    frames->free(block.value(), 9, account);
    EXPECT_EQ(account.frames, 0u);
    EXPECT_EQ(frames->free_frames(), before);
}

TEST_F(Frames, LimitOfTheAccountIsKept) {
    usable(kMiB, kSize - kMiB);
    frames->initialize(boot);
    account.limit_frames = 3;
    EXPECT_TRUE(frames->allocate(1, kAnyNode, account, false).ok());
    EXPECT_EQ(frames->allocate(1, kAnyNode, account, false).error(), Error::Denied);
}

TEST_F(Frames, RandomUseNeverOverlapsAndComesBackWhole) {
    usable(kMiB, kSize - kMiB);
    frames->initialize(boot);
    const NodeStatistics before = frames->statistics(0);
    std::mt19937 random(1);
    std::map<std::uint64_t, unsigned> held; // address -> order
    for (int step = 0; step < 20000; ++step) {
        if (random() % 2 == 0 || held.empty()) {
            const unsigned order = random() % 8;
            const auto block = frames->allocate(order, kAnyNode, account, false);
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
    const NodeStatistics after = frames->statistics(0);
    EXPECT_EQ(after.free_frames, before.free_frames);
    for (unsigned order = 0; order <= kMaxOrder; ++order)
        EXPECT_EQ(after.free_by_order[order], before.free_by_order[order]) << order;
    EXPECT_EQ(account.frames, 0u);
}

class TwoNodes : public Frames {
protected:
    TwoNodes() {
        usable(kMiB, kSize - kMiB);
        boot.numa.node_count = 2;
        boot.numa.ranges[0] = {PhysicalAddress(0), kSize / 2, 0};
        boot.numa.ranges[1] = {PhysicalAddress(kSize / 2), kSize / 2, 1};
        boot.numa.range_count = 2;
        frames->initialize(boot);
    }
};

TEST_F(TwoNodes, MemoryComesFromTheNodeThatIsAsked) {
    EXPECT_LT(frames->allocate(0, 0, account, false).value(), PhysicalAddress(kSize / 2));
    EXPECT_GE(frames->allocate(0, 1, account, false).value(), PhysicalAddress(kSize / 2));
}

TEST_F(TwoNodes, FallsBackUnlessStrict) {
    while (frames->allocate(0, 1, account, true).ok()) {
    }
    EXPECT_EQ(frames->allocate(0, 1, account, true).error(), Error::OutOfMemory);
    EXPECT_LT(frames->allocate(0, 1, account, false).value(), PhysicalAddress(kSize / 2));
}

using FramesDeathTest = Frames;
TEST_F(FramesDeathTest, FreeingTwiceIsCaught) {
    usable(kMiB, kSize - kMiB);
    frames->initialize(boot);
    const PhysicalAddress a = frames->allocate(0, kAnyNode, account, false).value();
    const PhysicalAddress b = frames->allocate(0, kAnyNode, account, false).value();
    frames->free(a, 0, account);
    EXPECT_DEATH(frames->free(a, 0, account), "assertion failed");
    frames->free(b, 0, account);
}

} // namespace
} // namespace ashlar::kernel
