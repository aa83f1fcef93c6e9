#include "jit/board/uart16550.h"

#include <array>

#include <gtest/gtest.h>

#include "fakes.h"

namespace ashlar::jit::board {
namespace {

constexpr unsigned kIrq = 10;
using U = Uart16550;

class UartTest : public testing::Test {
protected:
    std::uint8_t read(std::uint64_t offset) {
        return static_cast<std::uint8_t>(uart.read(offset, 1).value());
    }
    void write(std::uint64_t offset, std::uint8_t value) { ASSERT_TRUE(uart.write(offset, 1, value).ok()); }
    std::uint8_t identification() { return read(U::kInterruptIdentification); }
    bool irq() const { return controller.levels[kIrq]; }
    void poll_until_heard() {
        for (int i = 0; i < 8; ++i)
            read(U::kLineStatus);
    }
    void input(std::string text) {
        console.input += text;
        uart.poll_input();
    }

    test::FakeConsole console;
    test::FakeController controller;
    U uart{console, InterruptWire(controller, kIrq)};
};

TEST_F(UartTest, TransmitsAtOnce) {
    for (const char c : {'h', 'i'})
        write(U::kData, static_cast<std::uint8_t>(c));
    EXPECT_EQ(console.output, "hi");
    EXPECT_EQ(read(U::kLineStatus), 0x60);
}

TEST_F(UartTest, PolledInputNeedsNoInterrupt) {
    console.input = "ab";
    poll_until_heard();
    EXPECT_EQ(read(U::kLineStatus) & 1, 1);
    EXPECT_EQ(read(U::kData), 'a');
    EXPECT_EQ(read(U::kLineStatus) & 1, 1);
    EXPECT_EQ(read(U::kData), 'b');
    EXPECT_EQ(read(U::kLineStatus) & 1, 0);
    EXPECT_EQ(read(U::kData), 0);
}

// Given input that came before the guest's driver, when the driver sets up the UART as Linux does, then
// nothing of it is lost.
TEST_F(UartTest, InputWaitsUntilTheGuestListens) {
    console.input = "early";
    for (int round = 0; round < 4; ++round) {
        for (const std::uint8_t control : std::array<std::uint8_t, 4>{1, 7, 0, 1})
            write(U::kFifoControl, control);
        read(U::kLineStatus);
        EXPECT_EQ(read(U::kData), 0);
        for (int i = 0; i < 20; ++i) { // boot messages in between
            EXPECT_EQ(read(U::kLineStatus) & 1, 0);
            write(U::kData, '.');
        }
    }
    EXPECT_EQ(console.input, "early");

    write(U::kInterruptEnable, 1);
    EXPECT_EQ(read(U::kLineStatus) & 1, 1);
    EXPECT_EQ(read(U::kData), 'e');
}

TEST_F(UartTest, APollingGuestKeepsListeningWhileItPrints) {
    poll_until_heard();
    write(U::kData, '>');
    console.input = "x";
    EXPECT_EQ(read(U::kLineStatus) & 1, 1);
    EXPECT_EQ(read(U::kData), 'x');
}

TEST_F(UartTest, TakesNoMoreThanTheFifoHolds) {
    write(U::kFifoControl, 1);
    input(std::string(20, 'x'));
    EXPECT_EQ(console.input.size(), 4u);
    EXPECT_FALSE(uart.wants_input());
}

TEST_F(UartTest, ReceiveInterruptAndTimeout) {
    write(U::kFifoControl, 0x41); // trigger at 4
    write(U::kInterruptEnable, 1);
    EXPECT_TRUE(uart.wants_input());
    EXPECT_EQ(identification(), 0xc1);
    input("abc");
    EXPECT_TRUE(irq());
    EXPECT_EQ(identification(), 0xcc); // fewer than the trigger, and no more are coming
    input("d");
    EXPECT_EQ(identification(), 0xc4);
    for (int i = 0; i < 4; ++i)
        read(U::kData);
    EXPECT_FALSE(irq());
}

TEST_F(UartTest, WithoutFifoOneCharacterInterrupts) {
    write(U::kInterruptEnable, 1);
    input("ab");
    EXPECT_EQ(identification(), 0x04);
    EXPECT_EQ(read(U::kData), 'a');
    EXPECT_TRUE(irq()); // the next one has come in
    EXPECT_EQ(read(U::kData), 'b');
    EXPECT_FALSE(irq());
}

TEST_F(UartTest, TransmitterInterruptIsAcknowledgedByReadingIt) {
    write(U::kInterruptEnable, 2);
    EXPECT_TRUE(irq());
    EXPECT_EQ(identification(), 0x02);
    EXPECT_FALSE(irq());
    EXPECT_EQ(identification(), 0x01);
    write(U::kData, 'x');
    EXPECT_TRUE(irq());
    write(U::kInterruptEnable, 0);
    EXPECT_FALSE(irq());
    write(U::kInterruptEnable, 2); // enabling raises it again
    EXPECT_TRUE(irq());
}

TEST_F(UartTest, ReceivedDataHidesTheTransmitterInterrupt) {
    write(U::kInterruptEnable, 3);
    input("a");
    EXPECT_EQ(identification(), 0x04);
    read(U::kData);
    EXPECT_EQ(identification(), 0x02);
}

TEST_F(UartTest, DivisorLatchReplacesDataAndInterruptEnable) {
    write(U::kInterruptEnable, 5);
    write(U::kLineControl, 0x83);
    write(0, 0x34);
    write(1, 0x12);
    EXPECT_EQ(read(0), 0x34);
    EXPECT_EQ(read(1), 0x12);
    write(U::kLineControl, 3);
    EXPECT_EQ(read(U::kInterruptEnable), 5);
    EXPECT_EQ(console.output, "");
}

TEST_F(UartTest, LoopbackReturnsCharactersAndModemSignals) {
    write(U::kModemControl, 0x10);
    console.input = "z";
    write(U::kData, 'q');
    EXPECT_EQ(console.output, "");
    EXPECT_EQ(read(U::kData), 'q');
    EXPECT_EQ(read(U::kLineStatus) & 1, 0); // the console is cut off
    read(U::kModemStatus);
    write(U::kModemControl, 0x1f);
    EXPECT_EQ(read(U::kModemStatus), 0xfb); // no delta for the ring indicator's rising edge
    EXPECT_EQ(read(U::kModemStatus), 0xf0);
    write(U::kModemControl, 0x1b);
    EXPECT_EQ(read(U::kModemStatus), 0xb4); // the falling edge
}

TEST_F(UartTest, OverrunLosesTheNewCharacterAndIsReportedOnce) {
    write(U::kInterruptEnable, 4);
    write(U::kModemControl, 0x10);
    write(U::kData, 'a');
    write(U::kData, 'b');
    EXPECT_EQ(identification(), 0x06);
    EXPECT_EQ(read(U::kLineStatus), 0x63);
    EXPECT_EQ(read(U::kLineStatus), 0x61);
    EXPECT_EQ(read(U::kData), 'a');
}

TEST_F(UartTest, ModemStatusInterrupt) {
    write(U::kInterruptEnable, 8);
    EXPECT_FALSE(irq());
    write(U::kModemControl, 0x10);
    EXPECT_TRUE(irq());
    EXPECT_EQ(identification(), 0x00);
    read(U::kModemStatus);
    EXPECT_FALSE(irq());
}

TEST_F(UartTest, FifoControlClearsWhatWasReceived) {
    write(U::kFifoControl, 1);
    input("abc");
    write(U::kFifoControl, 3);
    EXPECT_EQ(read(U::kLineStatus) & 1, 0);
    input("abc");
    write(U::kFifoControl, 0); // leaving FIFO mode does too
    EXPECT_EQ(read(U::kLineStatus) & 1, 0);
    EXPECT_EQ(identification() & 0xc0, 0);
}

TEST_F(UartTest, ScratchAndUnknownRegisters) {
    write(U::kScratch, 0x5a);
    EXPECT_EQ(read(U::kScratch), 0x5a);
    write(U::kLineStatus, 0xff);
    write(8, 0xff);
    EXPECT_EQ(read(8), 0);
    EXPECT_EQ(uart.read(U::kScratch, 4).value(), 0x5au); // reg-io-width of other drivers
    uart.reset();
    EXPECT_EQ(read(U::kScratch), 0);
}

} // namespace
} // namespace ashlar::jit::board
