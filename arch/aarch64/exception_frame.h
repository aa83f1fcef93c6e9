// What vectors.S leaves on the exception stack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch {

struct ExceptionFrame {
    std::uint64_t x[31];
    std::uint64_t sp;   // SP_EL0: the program's
    std::uint64_t elr;  // where it was
    std::uint64_t spsr; // PSTATE there
};
static_assert(sizeof(ExceptionFrame) == 34 * 8);
static_assert(offsetof(ExceptionFrame, sp) == 31 * 8);

// Which of the vectors (Arm ARM, section D1.4.1) was taken, and whether from the program, on SP_EL0, or from
// a handler, on SP_EL2.
enum class Kind : std::uint32_t { Synchronous, Irq, Fiq, SError };
enum class Origin : std::uint32_t { Program, Handler };

} // namespace ashlar::arch
