// Text of decoded instructions in GNU objdump's "-M no-aliases,numeric" style.
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/instruction.h"
#include "lib/format.h"

namespace ashlar::jit::riscv64 {

// Mnemonic, a tab, operands separated by commas. `pc` is the address of the instruction: jump targets are
// absolute. Compressed instructions print under their own names. CSRs print by number.
void disassemble(const Instruction& instruction, std::uint64_t pc, Sink& sink);

} // namespace ashlar::jit::riscv64
