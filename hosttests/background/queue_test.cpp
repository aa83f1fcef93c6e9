// Regions are compiled beside the execution: when they begin to run, and when they must not.
#include "hosttests/background/fixture.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

class Background : public testing::Test {
protected:
    EngineStatistics counts() const { return guest.engine->statistics(); }
    std::uint64_t installed() const { return counts().tiers[2].units; }
    void expect_sum(unsigned loops, unsigned turns, unsigned rounds) {
        EXPECT_EQ(run_loops(guest, kRam, turns, rounds), Stop::WaitForInterrupt);
        EXPECT_EQ(guest.state().x[3], sum_of_loops(loops, turns, rounds));
    }

    explicit Background(std::size_t code_bytes = std::size_t{2} << 20) : memory(code_bytes) {}

    CodeMemoryOfTest memory;
    ManualWorker worker;
    Guest guest{1 << 20, memory.options(&worker)};
};

class SmallMemory : public Background {
protected:
    SmallMemory() : Background(std::size_t{256} << 10) {}
};

TEST_F(Background, CodeRunsOnUntilItsRegionIsThere) {
    put_loops(guest, kRam, 1);
    expect_sum(1, 100, 10);
    EXPECT_TRUE(worker.has_work());
    EXPECT_EQ(installed(), 0u);
    worker.work();
    EXPECT_EQ(installed(), 0u); // by the executing thread alone
    expect_sum(1, 100, 10);
    EXPECT_GE(installed(), 1u);
    EXPECT_GT(counts().tiers[2].bytes, 0u);
}

TEST_F(Background, WithoutAWorkerRegionsAreThereAtOnce) {
    CodeMemoryOfTest other_memory;
    Guest other(1 << 20, other_memory.options(nullptr));
    put_loops(other, kRam, 1);
    EXPECT_EQ(run_loops(other, kRam, 100, 1), Stop::WaitForInterrupt);
    EXPECT_EQ(other.state().x[3], sum_of_loops(1, 100, 1));
    EXPECT_GE(other.engine->statistics().tiers[2].units, 1u);
}

TEST_F(Background, InstructionsAreCountedAlike) {
    put_loops(guest, kRam, 3);
    expect_sum(3, 1000, 3);
    const std::uint64_t before = guest.state().instret;
    worker.work();
    expect_sum(3, 1000, 3);
    EXPECT_EQ(guest.state().instret, 2 * before);
    EXPECT_GT(installed(), 0u);
}

TEST_F(Background, WhatFindsNoRoomInTheQueueAsksAgain) {
    constexpr unsigned kLoops = 60;
    put_loops(guest, kRam, kLoops);
    expect_sum(kLoops, 200, 1);
    EXPECT_GT(counts().regions_postponed, 0u);
    for (unsigned i = 0; i < 100; ++i) {
        worker.work();
        expect_sum(kLoops, 200, 1);
    }
    EXPECT_GT(installed(), 16u); // more than the queue holds; a region may have several loops
}

TEST_F(Background, OverwrittenCodeIsNotInstalled) {
    put_loops(guest, kRam, 1);
    expect_sum(1, 100, 1);
    ASSERT_TRUE(worker.has_work());
    worker.work(); // from the old code
    guest.code(kRam + 4, {addi(3, 3, 5)});
    EXPECT_EQ(run_loops(guest, kRam, 100, 1), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[3], 500u);
    EXPECT_EQ(counts().regions_discarded, 1u);
    EXPECT_EQ(installed(), 0u);
    worker.work(); // from the new
    EXPECT_EQ(run_loops(guest, kRam, 100, 1), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[3], 500u);
    EXPECT_EQ(installed(), 1u);
}

// Two pages: the loop calls a function in the other one.
TEST_F(Background, OverwrittenPagesOfARegionKeepItOut) {
    constexpr std::uint64_t kFunction = kRam + 0x1000;
    const auto run_calls = [&] {
        guest.state().pc = kRam;
        guest.state().x[3] = 0;
        guest.state().x[4] = 100;
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(100'000), Stop::WaitForInterrupt);
        return guest.state().x[3];
    };
    guest.code(kRam, {jal(1, 0x1000), addi(4, 4, -1), branch(1, 4, 0, -8), kWfi});
    guest.code(kFunction, {addi(3, 3, 1), jalr(0, 1, 0)});
    EXPECT_EQ(run_calls(), 100u);
    ASSERT_TRUE(worker.has_work());
    guest.code(kFunction, {addi(3, 3, 2)}); // before it is compiled: its IR is the old one's
    worker.work();
    EXPECT_EQ(run_calls(), 200u);
    EXPECT_GE(counts().regions_discarded, 1u);
    for (unsigned i = 0; i < 5; ++i) {
        worker.work();
        EXPECT_EQ(run_calls(), 200u);
    }
    EXPECT_GE(installed(), 1u);
    guest.code(kFunction, {addi(3, 3, 3)}); // and an installed one leaves
    EXPECT_EQ(run_calls(), 300u);
}

TEST_F(Background, FlushesForgetRequests) {
    put_loops(guest, kRam, 3);
    expect_sum(3, 100, 1);
    ASSERT_TRUE(worker.has_work());
    guest.engine->flush_code();
    EXPECT_TRUE(worker.has_work()); // what it makes is not wanted any more
    expect_sum(3, 100, 1);
    EXPECT_EQ(installed(), 0u);
    worker.work();
    expect_sum(3, 100, 1);
    EXPECT_GE(installed(), 1u);
}

TEST_F(Background, CompiledRegionsAreForgottenByAFlushToo) {
    put_loops(guest, kRam, 3);
    expect_sum(3, 100, 1);
    worker.work();
    guest.engine->flush_code();
    expect_sum(3, 5, 1); // not hot
    EXPECT_EQ(installed(), 0u);
}

TEST_F(Background, EnginesWaitForTheirWorkerWhenTheyEnd) {
    put_loops(guest, kRam, 3);
    expect_sum(3, 100, 1);
    ASSERT_TRUE(worker.has_work());
    guest.engine.reset();
    EXPECT_FALSE(worker.has_work());
}

// Each page has its loops, and more of them than the memory for regions holds.
TEST_F(SmallMemory, RegionsGoForOthersThatWereCompiledMeanwhile) {
    constexpr std::uint64_t kPages = 50;
    constexpr unsigned kLoops = 20;
    const auto run_all = [&](std::uint64_t pages) {
        for (std::uint64_t page = 0; page < pages; ++page) {
            ASSERT_EQ(run_loops(guest, kRam + page * kPageSize, 30, 1), Stop::WaitForInterrupt);
            ASSERT_EQ(guest.state().x[3], sum_of_loops(kLoops, 30, 1));
            worker.work();
        }
    };
    for (std::uint64_t page = 0; page < kPages; ++page)
        put_loops(guest, kRam + page * kPageSize, kLoops);
    for (unsigned i = 0; i < 40 && counts().regions_evicted < 2; ++i)
        run_all(kPages);
    EXPECT_GE(counts().regions_evicted, 2u);
    EXPECT_EQ(counts().flushes, 0u);
    // What is hot comes back, and stays.
    for (unsigned i = 0; i < 20; ++i)
        run_all(1);
    const std::uint64_t before = installed();
    run_all(1);
    EXPECT_EQ(installed(), before);
    EXPECT_FALSE(worker.has_work());
}

} // namespace

} // namespace ashlar::jit::test
