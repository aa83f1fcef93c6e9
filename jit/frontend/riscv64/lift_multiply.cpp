// Specification: Unprivileged ISA, chapter "M" (Integer Multiplication and Division).
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

Lifted lift_multiply(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::Mul: return lift.binary(i, ir::Opcode::Multiply);
    case Opcode::Mulh: return lift.binary(i, ir::Opcode::MultiplyHigh);
    case Opcode::Mulhsu: return lift.binary(i, ir::Opcode::MultiplyHighMixed);
    case Opcode::Mulhu: return lift.binary(i, ir::Opcode::MultiplyHighUnsigned);
    case Opcode::Div: return lift.binary(i, ir::Opcode::Divide);
    case Opcode::Divu: return lift.binary(i, ir::Opcode::DivideUnsigned);
    case Opcode::Rem: return lift.binary(i, ir::Opcode::Remainder);
    case Opcode::Remu: return lift.binary(i, ir::Opcode::RemainderUnsigned);
    case Opcode::Mulw: return lift.binary(i, ir::Opcode::MultiplyWord);
    case Opcode::Divw: return lift.binary(i, ir::Opcode::DivideWord);
    case Opcode::Divuw: return lift.binary(i, ir::Opcode::DivideUnsignedWord);
    case Opcode::Remw: return lift.binary(i, ir::Opcode::RemainderWord);
    case Opcode::Remuw: return lift.binary(i, ir::Opcode::RemainderUnsignedWord);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
