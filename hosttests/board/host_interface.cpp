#include "jit/board/host_interface.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace ashlar::jit::board {
namespace {

constexpr GuestPhysicalAddress kTohost{0x8000'1000}, kFromhost{0x8000'1040}, kBlock{0x8000'2000};

class HostInterfaceTest : public testing::Test {
protected:
    HostInterfaceTest() { interface.reset(kTohost, kFromhost); }
    void send(std::uint64_t command) {
        ASSERT_TRUE(ram.memory.store(kTohost, command).ok());
        EXPECT_TRUE(interface.poll());
        EXPECT_EQ(load(kTohost), 0u);
    }
    std::uint64_t load(GuestPhysicalAddress address) {
        return ram.memory.load<std::uint64_t>(address).value();
    }

    test::FakeRam ram{1 << 16};
    test::FakeConsole console;
    test::FakePower power;
    HostInterface interface { ram.memory, console, power };
};

TEST_F(HostInterfaceTest, OddValuesEndTheProgram) {
    send(1);
    send(7);
    EXPECT_EQ(power.events, (std::vector<std::string>{"off 0", "off 3"}));
}

TEST_F(HostInterfaceTest, PrintsCharacters) {
    for (const char c : {'o', 'k'})
        send(0x0101'0000'0000'0000 | static_cast<std::uint64_t>(c));
    EXPECT_EQ(console.output, "ok");
    EXPECT_EQ(load(kFromhost), 0u);
}

TEST_F(HostInterfaceTest, AnswersAReadWhenInputComes) {
    send(0x0100'0000'0000'0000);
    EXPECT_EQ(load(kFromhost), 0u);
    console.input = "xy";
    interface.poll();
    EXPECT_EQ(load(kFromhost), 0x0100'0000'0000'0178u);
    EXPECT_EQ(console.input, "y"); // one at a time
    send(0x0100'0000'0000'0000);
    EXPECT_EQ(load(kFromhost), 0x0100'0000'0000'0178u); // the program has not taken the first
    ASSERT_TRUE(ram.memory.store(kFromhost, std::uint64_t{0}).ok());
    interface.poll();
    EXPECT_EQ(load(kFromhost), 0x0100'0000'0000'0179u);
}

TEST_F(HostInterfaceTest, ServesWriteAndExit) {
    const std::string text = "hello";
    ASSERT_TRUE(ram.memory.write(kBlock + 0x100, std::as_bytes(std::span(text))).ok());
    const std::uint64_t words[] = {64, 1, kBlock.value() + 0x100, text.size()};
    ASSERT_TRUE(ram.memory.write(kBlock, std::as_bytes(std::span(words))).ok());
    send(kBlock.value());
    EXPECT_EQ(console.output, "hello");
    EXPECT_EQ(load(kBlock), 5u);
    EXPECT_EQ(load(kFromhost), 1u);
    ASSERT_TRUE(ram.memory.store(kBlock, std::uint64_t{93}).ok());
    ASSERT_TRUE(ram.memory.store(kBlock + 8, std::uint64_t{9}).ok());
    send(kBlock.value());
    EXPECT_EQ(power.events, (std::vector<std::string>{"off 9"}));
}

TEST_F(HostInterfaceTest, RefusesWhatItDoesNotKnow) {
    const std::uint64_t words[] = {64, 1, 0x1000, 5}; // text outside memory
    ASSERT_TRUE(ram.memory.write(kBlock, std::as_bytes(std::span(words))).ok());
    send(kBlock.value());
    EXPECT_EQ(static_cast<std::int64_t>(load(kBlock)), -38);
    send(0x1000);                // a block outside memory
    send(0x8000'fff8);           // a block that reaches out of it
    send(0x0500'0000'0000'0001); // no such device
    EXPECT_EQ(console.output, "");
    EXPECT_TRUE(power.events.empty());
}

TEST_F(HostInterfaceTest, IsInUseForAWhileAfterACommand) {
    send(0x0101'0000'0000'0000 | 'a');
    unsigned polls = 0;
    while (interface.poll())
        ASSERT_LT(++polls, 1000u);
    EXPECT_GT(polls, 10u);
    interface.reset(std::nullopt, std::nullopt);
    EXPECT_FALSE(interface.present());
    EXPECT_FALSE(interface.poll());
}

} // namespace
} // namespace ashlar::jit::board
