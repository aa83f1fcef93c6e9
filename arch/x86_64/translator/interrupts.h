// Exceptions and injected interrupts of the translator.
#pragma once

#include <cstdint>

#include "arch/x86_64/common/interrupt_frame.h"

namespace ashlar::arch::translator {

// Reports the registers, and what led there, by Hypercall::Crash.
[[noreturn]] void exception_is_fatal(const InterruptFrame& frame);

// Ends the VM with a report of our own.
[[noreturn]] void crash(const char* what, std::uint64_t value = 0);

} // namespace ashlar::arch::translator
