// Decoder of RV64GC, Zicsr, Zifencei, Zba, Zbb, Zbs. Knows nothing of privilege or of the state of a hart.
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/instruction.h"

namespace ashlar::jit::riscv64 {

// Length in bytes of the instruction whose first 16 bits are given (longer formats count as 4 and illegal).
constexpr unsigned instruction_length(std::uint16_t first_half) {
    return (first_half & 3) == 3 ? 4 : 2;
}

// Decodes `bits`; the upper half is ignored when the lower begins a 16-bit instruction. Reserved encodings
// give Opcode::Illegal, with length and bits valid.
Instruction decode(std::uint32_t bits);

} // namespace ashlar::jit::riscv64
