// A real thread compiles, while code is run, overwritten and flushed.
#include "hosttests/background/fixture.h"
#include "jit/hosted/compile_thread.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

class CountingJob final : public CompileJob {
public:
    void run() override { ++runs; }
    unsigned runs = 0;
};

TEST(CompileThread, RunsWhatItIsGivenAndIsWaitedFor) {
    const auto thread = hosted::CompileThread::create();
    ASSERT_NE(thread, nullptr);
    thread->wait(); // for nothing
    CountingJob job;
    for (unsigned i = 1; i <= 100; ++i) {
        thread->start(job);
        thread->wait();
        EXPECT_EQ(job.runs, i);
    }
    for (unsigned i = 0; i < 100; ++i)
        thread->start(job);
    thread->wait();
    EXPECT_GT(job.runs, 100u);
    EXPECT_LE(job.runs, 200u);
}

TEST(CompileThread, CodeThatChangesAllTheTimeRunsRight) {
    constexpr unsigned kLoops = 100;
    const auto thread = hosted::CompileThread::create();
    ASSERT_NE(thread, nullptr);
    CodeMemoryOfTest memory;
    Guest guest(1 << 20, memory.options(thread.get()));
    put_loops(guest, kRam, kLoops);
    for (unsigned round = 0; round < 60; ++round) {
        EXPECT_EQ(run_loops(guest, kRam, 100 + round, 3), Stop::WaitForInterrupt);
        std::uint64_t expected = sum_of_loops(kLoops, 100 + round, 3);
        if (round != 0) // of the loop that was changed last
            expected += std::uint64_t{round} * (100 + round) * 3;
        ASSERT_EQ(guest.state().x[3], expected) << round;
        if (round % 20 == 10)
            guest.engine->flush_code();
        // Loop 7 adds some more.
        guest.code(kRam + 7 * 16 + 4, {addi(3, 3, static_cast<int>(8 + round + 1))});
    }
    EXPECT_GT(guest.engine->statistics().tiers[2].units, 0u);
}

TEST(CompileThread, EnginesMayEndAtAnyTime) {
    const auto thread = hosted::CompileThread::create();
    ASSERT_NE(thread, nullptr);
    for (unsigned i = 0; i < 20; ++i) {
        CodeMemoryOfTest memory;
        Guest guest(1 << 20, memory.options(thread.get()));
        put_loops(guest, kRam, 20);
        EXPECT_EQ(run_loops(guest, kRam, 20 + i, 1), Stop::WaitForInterrupt);
        EXPECT_EQ(guest.state().x[3], sum_of_loops(20, 20 + i, 1));
    }
}

} // namespace

} // namespace ashlar::jit::test
