#include "jit/board/rtc.h"

#include <gtest/gtest.h>

#include "fakes.h"
#include "jit/board/boot_rom.h"
#include "jit/board/test_finisher.h"

namespace ashlar::jit::board {
namespace {

class RtcTest : public testing::Test {
protected:
    std::uint64_t read(std::uint64_t offset) { return rtc.read(offset, 4).value(); }
    void write(std::uint64_t offset, std::uint64_t value) { ASSERT_TRUE(rtc.write(offset, 4, value).ok()); }
    std::uint64_t time() {
        const std::uint64_t low = read(Rtc::kTimeLow);
        return read(Rtc::kTimeHigh) << 32 | low;
    }
    void set_alarm(std::uint64_t at) {
        write(Rtc::kAlarmHigh, at >> 32);
        write(Rtc::kAlarmLow, at & 0xffff'ffff);
    }
    void pass(std::uint64_t ns) {
        clock.now += ns;
        clock.wall += ns;
        rtc.update();
    }
    bool irq() const { return controller.levels[11]; }

    test::FakeClock clock;
    test::FakeController controller;
    Rtc rtc{clock, InterruptWire(controller, 11)};
};

TEST_F(RtcTest, ReadingTheLowHalfLatchesTheHighHalf) {
    clock.wall = 0x5'ffff'ffff;
    EXPECT_EQ(read(Rtc::kTimeLow), 0xffff'ffffu);
    clock.wall += 1;
    EXPECT_EQ(read(Rtc::kTimeHigh), 5u);
    EXPECT_EQ(time(), 0x6'0000'0000u);
}

TEST_F(RtcTest, CanBeSet) {
    write(Rtc::kTimeHigh, 7);
    write(Rtc::kTimeLow, 9);
    EXPECT_EQ(time(), 0x7'0000'0009u);
    pass(1000);
    EXPECT_EQ(time(), 0x7'0000'0009u + 1000);
}

TEST_F(RtcTest, AlarmInterruptsWhenDue) {
    write(Rtc::kIrqEnabled, 1);
    set_alarm(clock.wall + 5000);
    EXPECT_EQ(read(Rtc::kAlarmStatus), 1u);
    EXPECT_EQ(rtc.next_deadline_ns(), clock.now + 5000);
    pass(4999);
    EXPECT_FALSE(irq());
    pass(1);
    EXPECT_TRUE(irq());
    EXPECT_EQ(read(Rtc::kAlarmStatus), 0u);
    EXPECT_EQ(rtc.next_deadline_ns(), ~std::uint64_t{0});
    write(Rtc::kClearInterrupt, 1);
    EXPECT_FALSE(irq());
}

TEST_F(RtcTest, AlarmInThePastFiresAtOnce) {
    set_alarm(1);
    EXPECT_FALSE(irq()); // not enabled
    write(Rtc::kIrqEnabled, 1);
    EXPECT_TRUE(irq());
}

TEST_F(RtcTest, AlarmCanBeCleared) {
    write(Rtc::kIrqEnabled, 1);
    set_alarm(clock.wall + 10);
    write(Rtc::kClearAlarm, 1);
    pass(100);
    EXPECT_FALSE(irq());
    set_alarm(~std::uint64_t{0}); // beyond what a deadline can say
    EXPECT_EQ(rtc.next_deadline_ns(), ~std::uint64_t{0} - clock.wall + clock.now);
    rtc.reset();
    EXPECT_EQ(rtc.next_deadline_ns(), ~std::uint64_t{0});
    EXPECT_FALSE(rtc.read(0, 8).ok());
}

TEST(TestFinisher, EndsAndResetsTheMachine) {
    test::FakePower power;
    TestFinisher finisher(power);
    for (const std::uint32_t value : {0x5555u, 0x0012'3333u, 0x3333u, 0x7777u, 0x1234u})
        ASSERT_TRUE(finisher.write(0, 4, value).ok());
    ASSERT_TRUE(finisher.write(4, 4, 0x5555).ok());
    EXPECT_EQ(power.events, (std::vector<std::string>{"off 0", "off 18", "off 1", "reset"}));
    EXPECT_EQ(finisher.read(0, 4).value(), 0u);
}

TEST(BootRom, HoldsDataAndRefusesWrites) {
    BootRom rom;
    const std::array data{std::byte{1}, std::byte{2}, std::byte{3}};
    rom.load(data);
    EXPECT_EQ(rom.read(0, 8).value(), 0x030201u);
    EXPECT_EQ(rom.read(1, 2).value(), 0x0302u);
    EXPECT_EQ(rom.read(BootRom::kCapacity - 4, 8).value(), 0u);
    EXPECT_EQ(rom.read(0xeff8, 8).value(), 0u);
    EXPECT_FALSE(rom.write(0, 1, 0).ok());
}

} // namespace
} // namespace ashlar::jit::board
