// RV64I computation. Specification: Unprivileged ISA, chapters "RV32I" and "RV64I".
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

namespace {

// Addition, with the idioms that are no addition: li and mv.
Lifted add_immediate(Lifter& lift, const Instruction& i) {
    if (i.rd == 0)
        return Lifted::Continue;
    if (i.rs1 == 0)
        lift.set_x(i.rd, lift.build.constant(i.imm));
    else if (i.imm == 0)
        lift.set_x(i.rd, lift.x(i.rs1));
    else
        return lift.binary_immediate(i, ir::Opcode::Add);
    return Lifted::Continue;
}

Lifted add(Lifter& lift, const Instruction& i) {
    if (i.rd == 0 || (i.rs1 != 0 && i.rs2 != 0))
        return lift.binary(i, ir::Opcode::Add);
    lift.set_x(i.rd, lift.x(i.rs1 == 0 ? i.rs2 : i.rs1));
    return Lifted::Continue;
}

Lifted upper_immediate(Lifter& lift, const Instruction& i) {
    if (i.rd == 0)
        return Lifted::Continue;
    lift.set_x(i.rd, i.opcode == Opcode::Lui
                         ? lift.build.constant(i.imm)
                         : lift.build.pc_relative(lift.build.pc_offset() + std::int64_t{i.imm}));
    return Lifted::Continue;
}

} // namespace

Lifted lift_integer(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::Lui:
    case Opcode::Auipc: return upper_immediate(lift, i);
    case Opcode::Addi: return add_immediate(lift, i);
    case Opcode::Slti: return lift.binary_immediate(i, ir::Opcode::Less);
    case Opcode::Sltiu: return lift.binary_immediate(i, ir::Opcode::LessUnsigned);
    case Opcode::Xori: return lift.binary_immediate(i, ir::Opcode::Xor);
    case Opcode::Ori: return lift.binary_immediate(i, ir::Opcode::Or);
    case Opcode::Andi: return lift.binary_immediate(i, ir::Opcode::And);
    case Opcode::Slli: return lift.binary_immediate(i, ir::Opcode::ShiftLeft);
    case Opcode::Srli: return lift.binary_immediate(i, ir::Opcode::ShiftRight);
    case Opcode::Srai: return lift.binary_immediate(i, ir::Opcode::ShiftRightSigned);
    case Opcode::Add: return add(lift, i);
    case Opcode::Sub: return lift.binary(i, ir::Opcode::Subtract);
    case Opcode::Sll: return lift.binary(i, ir::Opcode::ShiftLeft);
    case Opcode::Slt: return lift.binary(i, ir::Opcode::Less);
    case Opcode::Sltu: return lift.binary(i, ir::Opcode::LessUnsigned);
    case Opcode::Xor: return lift.binary(i, ir::Opcode::Xor);
    case Opcode::Srl: return lift.binary(i, ir::Opcode::ShiftRight);
    case Opcode::Sra: return lift.binary(i, ir::Opcode::ShiftRightSigned);
    case Opcode::Or: return lift.binary(i, ir::Opcode::Or);
    case Opcode::And: return lift.binary(i, ir::Opcode::And);
    case Opcode::Addiw: return lift.binary_immediate(i, ir::Opcode::AddWord);
    case Opcode::Slliw: return lift.binary_immediate(i, ir::Opcode::ShiftLeftWord);
    case Opcode::Srliw: return lift.binary_immediate(i, ir::Opcode::ShiftRightWord);
    case Opcode::Sraiw: return lift.binary_immediate(i, ir::Opcode::ShiftRightSignedWord);
    case Opcode::Addw: return lift.binary(i, ir::Opcode::AddWord);
    case Opcode::Subw: return lift.binary(i, ir::Opcode::SubtractWord);
    case Opcode::Sllw: return lift.binary(i, ir::Opcode::ShiftLeftWord);
    case Opcode::Srlw: return lift.binary(i, ir::Opcode::ShiftRightWord);
    case Opcode::Sraw: return lift.binary(i, ir::Opcode::ShiftRightSignedWord);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
