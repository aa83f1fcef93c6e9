#include "jit/bare/clock.h"

#include <gtest/gtest.h>

#include "hosttests/bare/fake_hypervisor.h"

namespace ashlar::jit::bare {
namespace {

TEST(CounterClock, FollowsTheHypervisorsTimeLine) {
    FakeHypervisor fake;
    fake.counter = 3'000'000;
    CounterClock clock(3'000'000'000, 1'500'000, 0); // the counter stands at 1 ms, the VM's time at 1.5 ms
    EXPECT_NEAR(static_cast<double>(clock.monotonic_ns()), 1'500'000, 2);
    fake.counter += 3'000'000'000;
    EXPECT_NEAR(static_cast<double>(clock.monotonic_ns()), 1'001'500'000, 3);
}

TEST(CounterClock, StaysExactOverYears) {
    FakeHypervisor fake;
    CounterClock clock(2'400'000'000, 0, 0);
    constexpr std::uint64_t kYear = 365ULL * 86'400;
    fake.counter = 5 * kYear * 2'400'000'000;
    EXPECT_NEAR(static_cast<double>(clock.monotonic_ns()), 5e9 * kYear, 5e9 * kYear / 1e9);
}

TEST(CounterClock, NeverGoesBack) {
    FakeHypervisor fake;
    fake.counter = 1000;
    CounterClock clock(1'000'000'000, 1000, 0);
    EXPECT_EQ(clock.monotonic_ns(), 1000u);
    fake.counter = 500;
    EXPECT_EQ(clock.monotonic_ns(), 1000u);
}

TEST(CounterClock, WallClockCountsFromCounterZero) {
    FakeHypervisor fake;
    CounterClock clock(1'000'000'000, 0, 1'700'000'000'000'000'000);
    fake.counter = 5'000'000'000;
    EXPECT_EQ(clock.wall_ns(), 1'700'000'005'000'000'000u);
}

} // namespace
} // namespace ashlar::jit::bare
