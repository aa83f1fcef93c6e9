// The first serial port of a PC.
#pragma once

#include <cstdint>

namespace ashlar::arch {

constexpr std::uint16_t kSerialBase = 0x3f8;
constexpr unsigned kSerialIsaInterrupt = 4;

void initialize_console();
// Lets the port raise its interrupt when input arrives.
void enable_console_interrupt();

} // namespace ashlar::arch
