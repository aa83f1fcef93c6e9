#include "jit/bare/run_loop.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "hosttests/bare/fake_hypervisor.h"
#include "jit/bare/clock.h"

namespace ashlar::jit::bare {
namespace {

using Outcome = board::Outcome;

// Plays a script of outcomes.
class FakeMachine final : public board::Machine {
public:
    std::vector<std::function<Outcome()>> script;
    unsigned runs = 0, resets = 0;
    bool reset_fails = false;

    Outcome run(std::uint64_t) override { return script.at(runs++)(); }
    Status reset() override {
        ++resets;
        return reset_fails ? Status(Error::Io) : Status();
    }
    void kick() override {}
    void report_statistics(Facts& facts) override { facts.add("machine", "statistics", 7); }
    std::span<const RegionExit> region_exits() const override { return {}; }

    void then(Outcome outcome) {
        script.emplace_back([outcome] { return outcome; });
    }
    void then_power_off(int code = 0) { then({.kind = Outcome::Kind::PowerOff, .code = code}); }
    void then_idle(std::uint64_t until) { then({.kind = Outcome::Kind::Idle, .idle_until_ns = until}); }
};

void timer_fires(FakeHypervisor& fake) {
    fake.counter = fake.timers.back();
    events.timer = true;
}
void input_arrives(FakeHypervisor& fake) {
    fake.input.push_back('x');
    events.console_input = true;
}

class RunLoopTest : public testing::Test {
protected:
    FakeHypervisor fake;
    FakeMachine machine;
    Hypervisor hypervisor{fake.windows};
    HypercallConsole console{hypervisor};
    CounterClock clock{1'000'000'000, 0, 0};
    DiagnosticSink diagnostics{console};
    RunLoop loop{{machine, clock, console, hypervisor, diagnostics}, 1000};
};

TEST_F(RunLoopTest, RunsUntilPowerOffAndReturnsItsCode) {
    machine.then({.kind = Outcome::Kind::Running});
    machine.then({.kind = Outcome::Kind::Running});
    machine.then_power_off(7);
    EXPECT_EQ(loop.run(), 7);
    EXPECT_EQ(machine.runs, 3u);
    EXPECT_EQ(fake.calls, 0u); // no VM exit without need
}

TEST_F(RunLoopTest, FlushesTheConsoleAfterEachSlice) {
    machine.script.emplace_back([this] {
        console.write(std::as_bytes(std::span("ab", 2)));
        return Outcome{.kind = Outcome::Kind::Running};
    });
    machine.script.emplace_back([this] {
        EXPECT_EQ(fake.output, "ab");
        return Outcome{.kind = Outcome::Kind::PowerOff};
    });
    EXPECT_EQ(loop.run(), 0);
}

TEST_F(RunLoopTest, SleepsUntilTheTimerFires) {
    machine.then_idle(5'000'000);
    machine.then_power_off();
    fake.on_sleep = {timer_fires};
    loop.run();
    EXPECT_EQ(fake.timers, (std::vector<std::uint64_t>{5'000'000}));
    EXPECT_EQ(fake.sleeps, 1u);
}

TEST_F(RunLoopTest, DoesNotArmATimerThatIsArmed) {
    machine.then_idle(5'000'000);
    machine.then_idle(5'000'000); // woken by input; the deadline is the same
    machine.then_idle(9'000'000); // the first has fired
    machine.then_power_off();
    fake.on_sleep = {input_arrives, timer_fires, timer_fires};
    machine.script.insert(machine.script.begin() + 1, [this] {
        std::byte buffer[4];
        EXPECT_EQ(console.read(buffer), 1u);
        return Outcome{.kind = Outcome::Kind::Running};
    });
    loop.run();
    EXPECT_EQ(fake.timers, (std::vector<std::uint64_t>{5'000'000, 9'000'000}));
    EXPECT_EQ(fake.sleeps, 3u);
}

TEST_F(RunLoopTest, DoesNotSleepWhenTheDeadlineHasPassedOrInputWaits) {
    fake.counter = 6'000'000;
    machine.then_idle(5'000'000);
    machine.script.emplace_back([this] {
        input_arrives(fake);
        return Outcome{.kind = Outcome::Kind::Idle, .idle_until_ns = 100'000'000, .wants_input = true};
    });
    machine.then_power_off();
    loop.run();
    EXPECT_EQ(fake.sleeps, 0u);
    EXPECT_TRUE(fake.timers.empty());
}

TEST_F(RunLoopTest, SleepsThroughInputThatTheGuestDoesNotWant) {
    machine.script.emplace_back([this] {
        input_arrives(fake);
        return Outcome{.kind = Outcome::Kind::Idle, .idle_until_ns = 5'000'000};
    });
    machine.then_power_off();
    fake.on_sleep = {timer_fires};
    loop.run();
    EXPECT_EQ(fake.sleeps, 1u);
}

TEST_F(RunLoopTest, IdleWithoutDeadlineSetsNoTimer) {
    machine.then_idle(abi::kTimerOff);
    machine.then_power_off();
    fake.on_sleep = {input_arrives};
    loop.run();
    EXPECT_TRUE(fake.timers.empty());
    EXPECT_EQ(fake.sleeps, 1u);
}

TEST_F(RunLoopTest, ResetsTheMachineAndGoesOn) {
    machine.then({.kind = Outcome::Kind::Reset});
    machine.then_power_off(3);
    EXPECT_EQ(loop.run(), 3);
    EXPECT_EQ(machine.resets, 1u);
}

TEST_F(RunLoopTest, FailureAndAFailedResetEndTheVm) {
    machine.then({.kind = Outcome::Kind::Failed});
    EXPECT_EQ(loop.run(), RunLoop::kFailed);
    machine.reset_fails = true;
    machine.then({.kind = Outcome::Kind::Reset});
    EXPECT_EQ(loop.run(), RunLoop::kFailed);
}

TEST_F(RunLoopTest, PrintsStatisticsOnRequest) {
    machine.script.emplace_back([] {
        events.statistics = true;
        return Outcome{.kind = Outcome::Kind::Running};
    });
    machine.then_power_off();
    loop.run();
    EXPECT_NE(fake.output.find("translator: run_loop.slices"), std::string::npos) << fake.output;
    EXPECT_NE(fake.output.find("translator: machine.statistics "), std::string::npos);
    EXPECT_FALSE(events.statistics);
}

} // namespace
} // namespace ashlar::jit::bare
