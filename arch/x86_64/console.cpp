// The console: a 16550 at the first serial port, polled for output. Its interrupt tells of input.
#include "arch/cpu.h"
#include "arch/x86_64/ports.h"
#include "arch/x86_64/serial.h"

namespace ashlar::arch {
namespace {

constexpr std::uint16_t kData = kSerialBase, kInterruptEnable = kSerialBase + 1,
                        kFifoControl = kSerialBase + 2, kLineControl = kSerialBase + 3,
                        kModemControl = kSerialBase + 4, kLineStatus = kSerialBase + 5;
constexpr std::uint8_t kDivisorLatch = 0x80, kEightBits = 3, kReady = 1, kTransmitterEmpty = 0x20;

constinit bool present = false;

void put(char c) {
    // A port that is gone must not hang us: give up on it after a while.
    for (unsigned spins = 0; (in8(kLineStatus) & kTransmitterEmpty) == 0; ++spins)
        if (spins == 10'000'000) {
            present = false;
            return;
        }
    out8(kData, static_cast<std::uint8_t>(c));
}

} // namespace

void initialize_console() {
    out8(kInterruptEnable, 0);
    out8(kLineControl, kDivisorLatch);
    out8(kData, 1); // 115200 baud
    out8(kInterruptEnable, 0);
    out8(kLineControl, kEightBits);
    // FIFO on, interrupt from the first byte. Turning it on throws away what waits to be read, and a program
    // that drives us through a pipe may have written already: then it stays off.
    const std::uint8_t status = in8(kLineStatus);
    present = status != 0xff;
    if ((status & kReady) == 0)
        out8(kFifoControl, 0x01);
    out8(kModemControl, 0x0b); // DTR, RTS, OUT2 (gates the interrupt)
}

void enable_console_interrupt() {
    out8(kInterruptEnable, 1); // data available
}

void console_write(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length && present; ++i)
        put(text[i]);
}

bool console_read(char& character) {
    if (!present || (in8(kLineStatus) & kReady) == 0)
        return false;
    character = static_cast<char>(in8(kData));
    return true;
}

} // namespace ashlar::arch
