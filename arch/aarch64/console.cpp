#include "arch/aarch64/console.h"

#include "arch/cpu.h"

namespace ashlar::arch {
namespace {

// Registers by their offsets in words, and bits of them.
constexpr std::size_t kData = 0x00 / 4, kFlags = 0x18 / 4, kControl = 0x30 / 4, kInterruptMask = 0x38 / 4,
                      kInterruptClear = 0x44 / 4;
constexpr std::uint32_t kReceiveEmpty = 1 << 4, kTransmitFull = 1 << 5;
constexpr std::uint32_t kEnable = 1 << 0, kTransmit = 1 << 8, kReceive = 1 << 9;
constexpr std::uint32_t kReceiveInterrupt = 1 << 4, kTimeoutInterrupt = 1 << 6;

constinit volatile std::uint32_t* registers = nullptr;
constinit bool interrupt_wanted = false, interrupt_held = false;

void put(char c) {
    // A port that is gone must not hang us: give up on it after a while.
    for (unsigned spins = 0; (registers[kFlags] & kTransmitFull) != 0; ++spins)
        if (spins == 10'000'000) {
            registers = nullptr;
            return;
        }
    registers[kData] = static_cast<unsigned char>(c);
}

void unmask() {
    registers[kInterruptMask] = kReceiveInterrupt | kTimeoutInterrupt;
}

} // namespace

void initialize_console(void* address) {
    registers = static_cast<volatile std::uint32_t*>(address);
    registers[kInterruptMask] = 0;
    registers[kControl] = registers[kControl] | kEnable | kTransmit | kReceive;
}
void move_console(void* address) {
    if (registers != nullptr)
        registers = static_cast<volatile std::uint32_t*>(address);
}

void enable_console_interrupt() {
    interrupt_wanted = registers != nullptr;
    if (interrupt_wanted)
        unmask();
}
void take_console_interrupt() {
    if (registers == nullptr)
        return;
    registers[kInterruptMask] = 0;
    registers[kInterruptClear] = kTimeoutInterrupt;
    interrupt_held = true;
}

void console_write(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length && registers != nullptr; ++i)
        put(text[i]);
}

bool console_read(char& character) {
    if (registers == nullptr)
        return false;
    if ((registers[kFlags] & kReceiveEmpty) != 0) {
        if (interrupt_wanted && interrupt_held) {
            interrupt_held = false;
            unmask();
        }
        return false;
    }
    character = static_cast<char>(registers[kData] & 0xff);
    return true;
}

} // namespace ashlar::arch
