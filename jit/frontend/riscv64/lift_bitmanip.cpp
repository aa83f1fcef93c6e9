// Zba, Zbb, Zbs. Specification: RISC-V Bit-Manipulation ISA-extensions 1.0.
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

Lifted lift_bitmanip(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::AddUw: return lift.binary(i, ir::Opcode::AddUnsignedWord);
    case Opcode::Sh1add: return lift.binary(i, ir::Opcode::ShiftAdd1);
    case Opcode::Sh2add: return lift.binary(i, ir::Opcode::ShiftAdd2);
    case Opcode::Sh3add: return lift.binary(i, ir::Opcode::ShiftAdd3);
    case Opcode::Sh1addUw: return lift.binary(i, ir::Opcode::ShiftAdd1UnsignedWord);
    case Opcode::Sh2addUw: return lift.binary(i, ir::Opcode::ShiftAdd2UnsignedWord);
    case Opcode::Sh3addUw: return lift.binary(i, ir::Opcode::ShiftAdd3UnsignedWord);
    case Opcode::SlliUw: return lift.binary_immediate(i, ir::Opcode::ShiftLeftUnsignedWord);
    case Opcode::Andn: return lift.binary(i, ir::Opcode::AndNot);
    case Opcode::Orn: return lift.binary(i, ir::Opcode::OrNot);
    case Opcode::Xnor: return lift.binary(i, ir::Opcode::XorNot);
    case Opcode::Clz: return lift.unary(i, ir::Opcode::CountLeadingZeros);
    case Opcode::Ctz: return lift.unary(i, ir::Opcode::CountTrailingZeros);
    case Opcode::Cpop: return lift.unary(i, ir::Opcode::PopulationCount);
    case Opcode::Clzw: return lift.unary(i, ir::Opcode::CountLeadingZerosWord);
    case Opcode::Ctzw: return lift.unary(i, ir::Opcode::CountTrailingZerosWord);
    case Opcode::Cpopw: return lift.unary(i, ir::Opcode::PopulationCountWord);
    case Opcode::SextB: return lift.unary(i, ir::Opcode::SignExtend8);
    case Opcode::SextH: return lift.unary(i, ir::Opcode::SignExtend16);
    case Opcode::ZextH: return lift.unary(i, ir::Opcode::ZeroExtend16);
    case Opcode::OrcB: return lift.unary(i, ir::Opcode::OrCombineBytes);
    case Opcode::Rev8: return lift.unary(i, ir::Opcode::ReverseBytes);
    case Opcode::Max: return lift.binary(i, ir::Opcode::Maximum);
    case Opcode::Maxu: return lift.binary(i, ir::Opcode::MaximumUnsigned);
    case Opcode::Min: return lift.binary(i, ir::Opcode::Minimum);
    case Opcode::Minu: return lift.binary(i, ir::Opcode::MinimumUnsigned);
    case Opcode::Rol: return lift.binary(i, ir::Opcode::RotateLeft);
    case Opcode::Ror: return lift.binary(i, ir::Opcode::RotateRight);
    case Opcode::Rori: return lift.binary_immediate(i, ir::Opcode::RotateRight);
    case Opcode::Rolw: return lift.binary(i, ir::Opcode::RotateLeftWord);
    case Opcode::Rorw: return lift.binary(i, ir::Opcode::RotateRightWord);
    case Opcode::Roriw: return lift.binary_immediate(i, ir::Opcode::RotateRightWord);
    case Opcode::Bset: return lift.binary(i, ir::Opcode::BitSet);
    case Opcode::Bclr: return lift.binary(i, ir::Opcode::BitClear);
    case Opcode::Binv: return lift.binary(i, ir::Opcode::BitInvert);
    case Opcode::Bext: return lift.binary(i, ir::Opcode::BitExtract);
    case Opcode::Bseti: return lift.binary_immediate(i, ir::Opcode::BitSet);
    case Opcode::Bclri: return lift.binary_immediate(i, ir::Opcode::BitClear);
    case Opcode::Binvi: return lift.binary_immediate(i, ir::Opcode::BitInvert);
    case Opcode::Bexti: return lift.binary_immediate(i, ir::Opcode::BitExtract);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
