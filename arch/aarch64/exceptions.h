// Exceptions and interrupts of the hypervisor.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/aarch64/exception_frame.h"

namespace ashlar::arch {

// Exception classes of ESR_EL2.EC (Arm ARM, section D19.2.37).
std::string_view exception_class_name(std::uint64_t ec);

// Prints the registers and a backtrace, and ends everything with a failure code.
[[noreturn]] void fatal_exception(const ExceptionFrame& frame, Kind kind, Origin origin);

// Executes HLT 0xf000, by which emulators and debuggers offer services (Arm's semihosting, 2.0). Returns
// false where nobody does.
bool call_semihosting(std::uint64_t operation, std::uint64_t parameter);

} // namespace ashlar::arch
