// Interrupts and exceptions of the hypervisor.
#pragma once

#include <cstdint>

#include "arch/x86_64/common/interrupt_frame.h"

namespace ashlar::arch {

constexpr unsigned kTimerInterruptVector = 0x40, kConsoleInterruptVector = 0x41, kKickVector = 0x42,
                   kFirstDeviceVector = 0x60, kSpuriousVector = 0xff;

// Prints the registers and a backtrace, and ends everything with a failure code.
[[noreturn]] void fatal_exception(const InterruptFrame& frame);

} // namespace ashlar::arch
