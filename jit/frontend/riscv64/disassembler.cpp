#include "jit/frontend/riscv64/disassembler.h"

#include "jit/frontend/riscv64/tables.h"

namespace ashlar::jit::riscv64 {

namespace {

void print_set(Sink& sink, unsigned set) {
    if (set == 0)
        return sink.write("unknown");
    constexpr std::string_view kLetters = "iorw";
    for (unsigned bit = 0; bit < 4; ++bit)
        if ((set >> (3 - bit) & 1) != 0)
            sink.write(kLetters.substr(bit, 1));
}

void print_operand(const Instruction& i, char letter, std::uint64_t pc, Sink& sink) {
    static constexpr std::string_view kRounding[] = {"rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown"};
    const auto imm = static_cast<std::uint32_t>(i.imm);
    switch (letter) {
    case 'd': return format(sink, "x{}", i.rd);
    case 's': return format(sink, "x{}", i.rs1);
    case 't': return format(sink, "x{}", i.rs2);
    case 'D': return format(sink, "f{}", i.rd);
    case 'S': return format(sink, "f{}", i.rs1);
    case 'T': return format(sink, "f{}", i.rs2);
    case 'R': return format(sink, "f{}", i.rs3);
    case 'i':
    case 'o':
    case 'q': return format(sink, "{}", i.imm);
    case '>':
    case '<': return format(sink, "{:#x}", imm);
    case 'u': return format(sink, "{:#x}", imm >> 12);
    case 'p':
    case 'a': return format(sink, "{:x}", pc + static_cast<std::uint64_t>(std::int64_t{i.imm}));
    case 'E': return format(sink, "{:#x}", imm);
    case 'Z': return format(sink, "{}", i.rs1);
    case 'm': return sink.write(kRounding[i.rm]);
    case 'P': return print_set(sink, imm >> 4);
    case 'Q': return print_set(sink, imm & 15);
    case 'l': return;
    default: return format(sink, "{}", letter);
    }
}

void print_ordering(const Instruction& i, std::string_view operands, Sink& sink) {
    static constexpr std::string_view kSuffix[] = {"", ".rl", ".aq", ".aqrl"};
    if (!operands.empty() && operands.back() == 'l')
        sink.write(kSuffix[i.rm]);
}

} // namespace

void disassemble(const Instruction& instruction, std::uint64_t pc, Sink& sink) {
    if (instruction.opcode == Opcode::Illegal)
        return format(sink, ".insn\t{}, {:#x}", instruction.length, instruction.bits);
    const bool compressed = instruction.form != CompressedForm::None;
    const auto row = static_cast<std::size_t>(instruction.opcode) - 1;
    const auto form = static_cast<std::size_t>(instruction.form) - 1;
    const std::string_view operands = compressed ? kCompressed[form].operands : kEncodings[row].operands;
    sink.write(compressed ? kCompressed[form].mnemonic : kEncodings[row].mnemonic);
    print_ordering(instruction, operands, sink);
    if (!operands.empty())
        sink.write("\t");
    // The dynamic rounding mode is the unwritten default.
    const bool dynamic = operands.ends_with(",m") && instruction.rm == 7;
    for (const char letter : operands.substr(0, operands.size() - (dynamic ? 2 : 0)))
        print_operand(instruction, letter, pc, sink);
}

} // namespace ashlar::jit::riscv64
