// The rows of instruction_table.h as constants, for decoder and disassembler.
#pragma once

#include <array>
#include <string_view>

#include "jit/frontend/riscv64/instruction.h"

namespace ashlar::jit::riscv64 {

struct EncodingRow {
    std::string_view mnemonic;
    std::uint32_t match, mask;
    Opcode opcode;
    std::string_view operands;
};

inline constexpr auto kEncodings = [] {
    using namespace encoding;
    return std::array{
#define ASHLAR_RISCV64_ROW(name, mnemonic, match, mask, operands)                                            \
    EncodingRow{mnemonic, match, mask, Opcode::name, operands},
        ASHLAR_RISCV64_INSTRUCTIONS(ASHLAR_RISCV64_ROW)
#undef ASHLAR_RISCV64_ROW
    };
}();

enum class CompressedFormat : std::uint8_t {
    AddSpScaled,
    LoadWord,
    LoadDouble,
    StoreWord,
    StoreDouble,
    Immediate,
    LoadImmediate,
    AdjustSp,
    UpperImmediate,
    ShiftPrime,
    ImmediatePrime,
    RegistersPrime,
    Jump,
    Branch,
    Shift,
    LoadWordSp,
    LoadDoubleSp,
    JumpRegister,
    JumpAndLinkRegister,
    Move,
    Registers,
    Nothing,
    StoreWordSp,
    StoreDoubleSp,
};
enum class CompressedRule : std::uint8_t { None, Rd, Rs1, Rs2, Immediate, UpperImmediate };

struct CompressedRow {
    std::string_view mnemonic;
    std::uint16_t match, mask;
    Opcode expansion;
    CompressedForm form;
    CompressedFormat format;
    CompressedRule rule;
    std::string_view operands;
};

inline constexpr std::array kCompressed = {
#define ASHLAR_RISCV64_ROW(name, mnemonic, match, mask, expansion, format, rule, operands)                   \
    CompressedRow{mnemonic,                                                                                  \
                  match,                                                                                     \
                  mask,                                                                                      \
                  Opcode::expansion,                                                                         \
                  CompressedForm::name,                                                                      \
                  CompressedFormat::format,                                                                  \
                  CompressedRule::rule,                                                                      \
                  operands},
    ASHLAR_RISCV64_COMPRESSED(ASHLAR_RISCV64_ROW)
#undef ASHLAR_RISCV64_ROW
};

} // namespace ashlar::jit::riscv64
