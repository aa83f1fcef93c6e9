#include "jit/board/clint.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace ashlar::jit::board {
namespace {

using riscv64::Interrupt;

class ClintTest : public testing::Test {
protected:
    ClintTest() { clint.reset(); }
    void pass_ticks(std::uint64_t ticks) {
        clock.now += ticks * 100;
        clint.update(timebase.time());
    }
    std::uint64_t read(std::uint64_t offset, unsigned width) { return clint.read(offset, width).value(); }

    test::FakeHarts harts;
    test::FakeClock clock;
    Timebase timebase{clock};
    Clint clint{harts, timebase, 2};
};

TEST_F(ClintTest, SoftwareInterruptIsBit0OfEachHartsRegister) {
    ASSERT_TRUE(clint.write(4, 4, 0xffff'fffe).ok());
    EXPECT_FALSE(harts.level(1, Interrupt::MachineSoftware));
    ASSERT_TRUE(clint.write(4, 4, 0xffff'ffff).ok());
    EXPECT_TRUE(harts.level(1, Interrupt::MachineSoftware));
    EXPECT_FALSE(harts.level(0, Interrupt::MachineSoftware));
    EXPECT_EQ(read(4, 4), 1u);
    ASSERT_TRUE(clint.write(4, 4, 0).ok());
    EXPECT_FALSE(harts.level(1, Interrupt::MachineSoftware));
}

TEST_F(ClintTest, HartsThatDoNotExistReadZero) {
    ASSERT_TRUE(clint.write(8, 4, 1).ok());
    EXPECT_EQ(read(8, 4), 0u);
    ASSERT_TRUE(clint.write(Clint::kTimerCompare + 16, 8, 1).ok());
    EXPECT_EQ(read(Clint::kTimerCompare + 16, 8), 0u);
}

TEST_F(ClintTest, TimeCountsAtTenMegahertz) {
    EXPECT_EQ(read(Clint::kTime, 8), 0u);
    pass_ticks(0x1'2345'6789);
    EXPECT_EQ(read(Clint::kTime, 8), 0x1'2345'6789u);
    EXPECT_EQ(read(Clint::kTime, 4), 0x2345'6789u);
    EXPECT_EQ(read(Clint::kTime + 4, 4), 1u);
}

TEST_F(ClintTest, TimeCanBeSet) {
    ASSERT_TRUE(clint.write(Clint::kTimerCompare, 8, 100).ok());
    ASSERT_TRUE(clint.write(Clint::kTime, 8, 99).ok());
    EXPECT_FALSE(harts.level(0, Interrupt::MachineTimer));
    ASSERT_TRUE(clint.write(Clint::kTime + 4, 4, 7).ok());
    EXPECT_EQ(read(Clint::kTime, 8), 0x7'0000'0063u);
    EXPECT_TRUE(harts.level(0, Interrupt::MachineTimer));
}

TEST_F(ClintTest, TimerLineFollowsTheComparison) {
    ASSERT_TRUE(clint.write(Clint::kTimerCompare + 8, 8, 50).ok());
    EXPECT_EQ(clint.next_deadline(), 50u);
    pass_ticks(49);
    EXPECT_FALSE(harts.level(1, Interrupt::MachineTimer));
    pass_ticks(1);
    EXPECT_TRUE(harts.level(1, Interrupt::MachineTimer));
    EXPECT_EQ(clint.next_deadline(), ~std::uint64_t{0}); // it has happened
    ASSERT_TRUE(clint.write(Clint::kTimerCompare + 8, 8, 1000).ok());
    EXPECT_FALSE(harts.level(1, Interrupt::MachineTimer));
    EXPECT_EQ(clint.next_deadline(), 1000u);
}

TEST_F(ClintTest, CompareTakesHalves) {
    ASSERT_TRUE(clint.write(Clint::kTimerCompare + 4, 4, 0x12).ok());
    ASSERT_TRUE(clint.write(Clint::kTimerCompare, 4, 0x34).ok());
    EXPECT_EQ(read(Clint::kTimerCompare, 8), 0x12'0000'0034u);
}

TEST_F(ClintTest, OtherAccessesFault) {
    EXPECT_FALSE(clint.read(0, 1).ok());
    EXPECT_FALSE(clint.read(2, 4).ok());
    EXPECT_FALSE(clint.write(Clint::kTimerCompare + 4, 8, 0).ok());
    EXPECT_EQ(read(0xbfe0, 8), 0u);
    EXPECT_EQ(read(0xc000, 4), 0u);
}

TEST_F(ClintTest, ResetClearsEverything) {
    ASSERT_TRUE(clint.write(0, 4, 1).ok());
    ASSERT_TRUE(clint.write(Clint::kTimerCompare, 8, 0).ok());
    pass_ticks(10);
    clint.reset();
    EXPECT_EQ(harts.lines[0], 0u);
    EXPECT_EQ(read(Clint::kTime, 8), 0u);
    EXPECT_EQ(read(Clint::kTimerCompare, 8), ~std::uint64_t{0});
}

TEST(Timebase, DeadlinesOutOfReachAreNever) {
    test::FakeClock clock;
    Timebase timebase(clock);
    EXPECT_EQ(timebase.deadline_ns(5), clock.now + 500);
    EXPECT_EQ(timebase.deadline_ns(~std::uint64_t{0}), ~std::uint64_t{0});
    EXPECT_EQ(timebase.deadline_ns(~std::uint64_t{0} / 100), ~std::uint64_t{0});
}

} // namespace
} // namespace ashlar::jit::board
