// A cache that is much smaller than the guest's code: what runs all the time stays, and everything runs
// right.
#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

constexpr std::size_t kCacheBytes = std::size_t{256} << 10;
// Pages of code that is run once in a while.
constexpr std::uint64_t kCold = kRam + 0x10000, kColdPages = 128;

class Evicted : public testing::Test {
protected:
    explicit Evicted(unsigned optimize_after = 100)
        : code_(kCacheBytes),
          guest(1 << 20, {.code_cache_bytes = kCacheBytes,
                          .native_code = code_.get(),
                          .promote_after = 2,
                          .optimize_after = optimize_after}) {
        // Short blocks, one behind the other, which add 1 to x3 each.
        for (std::uint64_t page = 0; page < kColdPages; ++page) {
            std::uint64_t at = kCold + page * kPageSize;
            for (unsigned i = 0; i < kColdBlocks; ++i, at += 8)
                guest.code(at, {addi(3, 3, 1), branch(1, 0, 0, 8)});
            guest.code(at, {kWfi});
        }
    }

    // x4 turns of a loop, with calls of a function in another page, that adds 2 in each to x3.
    void put_hot_loop() {
        guest.code(kRam, {jal(1, 0x1000), addi(4, 4, -1), branch(1, 4, 0, -8), kWfi});
        guest.code(kRam + 0x1000, {addi(3, 3, 2), jalr(0, 1, 0)});
    }
    std::uint64_t run_at(std::uint64_t pc, std::uint64_t turns = 1) {
        guest.state().pc = pc;
        guest.state().x[3] = 0;
        guest.state().x[4] = turns;
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(1'000'000), Stop::WaitForInterrupt);
        return guest.state().x[3];
    }
    void run_cold(std::uint64_t page) {
        for (int i = 0; i < 3; ++i) // the last time as host code
            ASSERT_EQ(run_at(kCold + page * kPageSize), kColdBlocks);
    }
    EngineStatistics statistics() const { return guest.engine->statistics(); }

    static constexpr unsigned kColdBlocks = 60;

private:
    hosted::HostedCodeMemory code_;

public:
    Guest guest;
};

class EvictedInTier1 : public Evicted {
protected:
    EvictedInTier1() : Evicted(0) {}
};

TEST_F(Evicted, EverythingRunsRight) {
    for (int round = 0; round < 3; ++round)
        for (std::uint64_t page = 0; page < kColdPages; ++page)
            run_cold(page);
    EXPECT_GT(statistics().evictions, 10u);
    EXPECT_GT(statistics().pages_evicted, kColdPages);
    EXPECT_GT(statistics().blocks_evicted, kColdPages * kColdBlocks);
    EXPECT_EQ(statistics().flushes, 0u);
}

TEST_F(EvictedInTier1, EverythingRunsRight) {
    for (int round = 0; round < 3; ++round)
        for (std::uint64_t page = 0; page < kColdPages; ++page)
            run_cold(page);
    EXPECT_GT(statistics().evictions, 10u);
}

TEST_F(Evicted, HotRegionsStay) {
    put_hot_loop();
    EXPECT_EQ(run_at(kRam, 5000), 10'000u);
    const std::uint64_t regions = statistics().tiers[2].units;
    EXPECT_GE(regions, 1u);
    std::uint64_t cold_blocks = 0;
    for (std::uint64_t page = 0; page < kColdPages; ++page) {
        run_cold(page);
        cold_blocks += kColdBlocks + 1;
        EXPECT_EQ(run_at(kRam, 100), 200u);
    }
    EXPECT_GT(statistics().evictions, 3u);
    EXPECT_GT(statistics().pages_kept, 3u);
    EXPECT_EQ(statistics().regions_evicted, 0u);
    EXPECT_EQ(statistics().tiers[2].units, regions);
    EXPECT_LT(statistics().tiers[0].units, cold_blocks + 10); // its blocks were translated once
}

// In tier 1, but with counters.
TEST_F(Evicted, WarmBlocksStay) {
    put_hot_loop();
    EXPECT_EQ(run_at(kRam, 20), 40u);
    const std::uint64_t blocks = statistics().tiers[1].units;
    std::uint64_t others = 0;
    for (std::uint64_t page = 0; page < 60; ++page) {
        run_cold(page);
        others += kColdBlocks + 1;
        EXPECT_EQ(run_at(kRam, 1), 2u);
    }
    EXPECT_GT(statistics().evictions, 1u);
    EXPECT_LE(statistics().tiers[1].units, blocks + others + 1); // and where the loop ends
    EXPECT_LT(statistics().tiers[0].units, others + 10);
}

TEST_F(Evicted, WhatWasHotGoesToo) {
    put_hot_loop();
    EXPECT_EQ(run_at(kRam, 5000), 10'000u);
    for (std::uint64_t page = 0; page < kColdPages; ++page)
        run_cold(page);
    EXPECT_GE(statistics().regions_evicted, 1u);
    // And comes back.
    const std::uint64_t regions = statistics().tiers[2].units;
    EXPECT_EQ(run_at(kRam, 5000), 10'000u);
    EXPECT_GT(statistics().tiers[2].units, regions);
}

// A region must not outlive the watch over its pages.
TEST_F(Evicted, CodeThatChangesAfterItWasEvictedIsSeen) {
    put_hot_loop();
    EXPECT_EQ(run_at(kRam, 5000), 10'000u);
    for (std::uint64_t page = 0; page < kColdPages; ++page)
        run_cold(page);
    guest.code(kRam + 0x1000, {addi(3, 3, 7)});
    EXPECT_EQ(run_at(kRam, 5000), 35'000u);
    guest.code(kRam + 0x1000, {addi(3, 3, 9)});
    EXPECT_EQ(run_at(kRam, 10), 90u);
}

// Rewritten all the time, while other code stays: only what was overwritten goes.
TEST_F(Evicted, SelfModifyingCodeDoesNotDriveOthersOut) {
    run_cold(0);
    run_cold(1);
    const std::uint64_t before = statistics().tiers[0].units;
    constexpr std::uint64_t kRounds = 3000;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        guest.code(kRam, {addi(3, 0, static_cast<int>(i % 1000)), addi(4, 4, -1), branch(1, 4, 0, -8), kWfi});
        ASSERT_EQ(run_at(kRam, 5), i % 1000);
        if (i % 100 == 0)
            run_cold(0);
    }
    EXPECT_GT(statistics().evictions, 0u);
    EXPECT_LE(statistics().pages_evicted, 3u);
    EXPECT_LT(statistics().tiers[0].units - before, 4 * kRounds);
}

} // namespace

} // namespace ashlar::jit::test
