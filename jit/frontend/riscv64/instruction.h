// A decoded RV64 instruction. Compressed encodings decode to the instruction that they stand for.
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/instruction_table.h"

namespace ashlar::jit::riscv64 {

enum class Opcode : std::uint8_t {
    Illegal,
#define ASHLAR_RISCV64_NAME(name, mnemonic, match, mask, operands) name,
    ASHLAR_RISCV64_INSTRUCTIONS(ASHLAR_RISCV64_NAME)
#undef ASHLAR_RISCV64_NAME
        Count_,
};

// Which compressed encoding an instruction came from, for the disassembler.
enum class CompressedForm : std::uint8_t {
    None,
#define ASHLAR_RISCV64_FORM(name, ...) name,
    ASHLAR_RISCV64_COMPRESSED(ASHLAR_RISCV64_FORM)
#undef ASHLAR_RISCV64_FORM
        Count_,
};

struct Instruction {
    Opcode opcode = Opcode::Illegal;
    std::uint8_t rd = 0, rs1 = 0, rs2 = 0, rs3 = 0;
    std::uint8_t rm = 0;     // rounding mode; bit 1 acquire and bit 0 release of atomics
    std::uint8_t length = 4; // bytes: 2 or 4
    CompressedForm form = CompressedForm::None;
    // Immediate, sign-extended; shift amount; CSR number; of LUI and AUIPC already shifted left by 12. Jumps
    // and branches: offset from this instruction. FENCE: predecessor set << 4 | successor set.
    std::int32_t imm = 0;
    std::uint32_t bits = 0; // the encoding, 16 or 32 bits
};

} // namespace ashlar::jit::riscv64
