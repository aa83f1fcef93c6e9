// Specification: Unprivileged ISA, chapters "F" and "D".
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

namespace {

// Bits 25 and 26 of every floating-point encoding but loads and stores are the format: 0 single, 1 double.
ir::FloatMode mode_of(const Instruction& i) {
    return {(i.bits >> 25 & 1) == 0 ? ir::Precision::Single : ir::Precision::Double, i.rm};
}

Lifted load(Lifter& lift, const Instruction& i, std::uint8_t width) {
    lift.require_float(i, true);
    const ir::Extension extension = width == 4 ? ir::Extension::Box : ir::Extension::Zero;
    lift.set_f(i.rd, lift.build.load({width, extension}, ir::Type::Float, lift.x(i.rs1), i.imm));
    return Lifted::Continue;
}

Lifted store(Lifter& lift, const Instruction& i, std::uint8_t width) {
    lift.require_float(i, false);
    const ir::Value address = lift.x(i.rs1), value = lift.f(i.rs2);
    lift.build.store({width}, address, i.imm, value);
    return Lifted::Continue;
}

// f[rd] = OP(f[rs1], f[rs2]).
template <class Attribute>
Lifted binary(Lifter& lift, const Instruction& i, ir::Opcode opcode, Attribute attribute) {
    lift.require_float(i, true);
    const ir::Value a = lift.f(i.rs1), b = lift.f(i.rs2);
    lift.set_f(i.rd, lift.build.floating(opcode, mode_of(i), static_cast<std::uint8_t>(attribute), a, b));
    return Lifted::Continue;
}

Lifted square_root(Lifter& lift, const Instruction& i) {
    lift.require_float(i, true);
    const ir::Value a = lift.f(i.rs1);
    lift.set_f(i.rd, lift.build.floating(ir::Opcode::FloatArithmetic, mode_of(i),
                                         static_cast<std::uint8_t>(fp::Arithmetic::SquareRoot), a, a));
    return Lifted::Continue;
}

Lifted fused(Lifter& lift, const Instruction& i, fp::Fused operation) {
    lift.require_float(i, true);
    const ir::Value a = lift.f(i.rs1), b = lift.f(i.rs2), c = lift.f(i.rs3);
    lift.set_f(i.rd, lift.build.floating(ir::Opcode::FloatFused, mode_of(i),
                                         static_cast<std::uint8_t>(operation), a, b, c));
    return Lifted::Continue;
}

Lifted compare(Lifter& lift, const Instruction& i, fp::Compare comparison) {
    lift.require_float(i, true);
    const ir::Value a = lift.f(i.rs1), b = lift.f(i.rs2);
    lift.set_x(i.rd, lift.build.floating(ir::Opcode::FloatCompare, mode_of(i),
                                         static_cast<std::uint8_t>(comparison), a, b));
    return Lifted::Continue;
}

Lifted convert(Lifter& lift, const Instruction& i, ir::Opcode opcode) {
    lift.require_float(i, true);
    lift.set_f(i.rd, lift.build.floating(opcode, mode_of(i), 0, lift.f(i.rs1)));
    return Lifted::Continue;
}

Lifted to_integer(Lifter& lift, const Instruction& i, fp::Integer type) {
    lift.require_float(i, true);
    lift.set_x(i.rd, lift.build.floating(ir::Opcode::FloatToInteger, mode_of(i),
                                         static_cast<std::uint8_t>(type), lift.f(i.rs1)));
    return Lifted::Continue;
}

Lifted from_integer(Lifter& lift, const Instruction& i, fp::Integer type) {
    lift.require_float(i, true);
    lift.set_f(i.rd, lift.build.floating(ir::Opcode::FloatFromInteger, mode_of(i),
                                         static_cast<std::uint8_t>(type), lift.x(i.rs1)));
    return Lifted::Continue;
}

// FCLASS and the moves to x registers change no floating-point state.
Lifted examine(Lifter& lift, const Instruction& i, ir::Opcode opcode) {
    lift.require_float(i, false);
    lift.set_x(i.rd, lift.build.floating(opcode, mode_of(i), 0, lift.f(i.rs1)));
    return Lifted::Continue;
}

Lifted move_from_integer(Lifter& lift, const Instruction& i) {
    lift.require_float(i, true);
    lift.set_f(i.rd, lift.build.floating(ir::Opcode::FloatFromBits, mode_of(i), 0, lift.x(i.rs1)));
    return Lifted::Continue;
}

} // namespace

Lifted lift_float(Lifter& lift, const Instruction& i) {
    using Operation = ir::Opcode;
    switch (i.opcode) {
    case Opcode::Flw: return load(lift, i, 4);
    case Opcode::Fld: return load(lift, i, 8);
    case Opcode::Fsw: return store(lift, i, 4);
    case Opcode::Fsd: return store(lift, i, 8);
    case Opcode::FmaddS:
    case Opcode::FmaddD: return fused(lift, i, fp::Fused::MultiplyAdd);
    case Opcode::FmsubS:
    case Opcode::FmsubD: return fused(lift, i, fp::Fused::MultiplySubtract);
    case Opcode::FnmsubS:
    case Opcode::FnmsubD: return fused(lift, i, fp::Fused::NegatedMultiplySubtract);
    case Opcode::FnmaddS:
    case Opcode::FnmaddD: return fused(lift, i, fp::Fused::NegatedMultiplyAdd);
    case Opcode::FaddS:
    case Opcode::FaddD: return binary(lift, i, Operation::FloatArithmetic, fp::Arithmetic::Add);
    case Opcode::FsubS:
    case Opcode::FsubD: return binary(lift, i, Operation::FloatArithmetic, fp::Arithmetic::Subtract);
    case Opcode::FmulS:
    case Opcode::FmulD: return binary(lift, i, Operation::FloatArithmetic, fp::Arithmetic::Multiply);
    case Opcode::FdivS:
    case Opcode::FdivD: return binary(lift, i, Operation::FloatArithmetic, fp::Arithmetic::Divide);
    case Opcode::FsqrtS:
    case Opcode::FsqrtD: return square_root(lift, i);
    case Opcode::FsgnjS:
    case Opcode::FsgnjD: return binary(lift, i, Operation::FloatSign, fp::SignInjection::Copy);
    case Opcode::FsgnjnS:
    case Opcode::FsgnjnD: return binary(lift, i, Operation::FloatSign, fp::SignInjection::Negate);
    case Opcode::FsgnjxS:
    case Opcode::FsgnjxD: return binary(lift, i, Operation::FloatSign, fp::SignInjection::Xor);
    case Opcode::FminS:
    case Opcode::FminD: return binary(lift, i, Operation::FloatMinimum, 0);
    case Opcode::FmaxS:
    case Opcode::FmaxD: return binary(lift, i, Operation::FloatMaximum, 0);
    case Opcode::FleS:
    case Opcode::FleD: return compare(lift, i, fp::Compare::LessEqual);
    case Opcode::FltS:
    case Opcode::FltD: return compare(lift, i, fp::Compare::Less);
    case Opcode::FeqS:
    case Opcode::FeqD: return compare(lift, i, fp::Compare::Equal);
    case Opcode::FclassS:
    case Opcode::FclassD: return examine(lift, i, Operation::FloatClassify);
    case Opcode::FmvXW:
    case Opcode::FmvXD: return examine(lift, i, Operation::FloatToBits);
    case Opcode::FmvWX:
    case Opcode::FmvDX: return move_from_integer(lift, i);
    case Opcode::FcvtSD: return convert(lift, i, Operation::FloatNarrow);
    case Opcode::FcvtDS: return convert(lift, i, Operation::FloatWiden);
    case Opcode::FcvtWS:
    case Opcode::FcvtWD: return to_integer(lift, i, fp::Integer::Word);
    case Opcode::FcvtWuS:
    case Opcode::FcvtWuD: return to_integer(lift, i, fp::Integer::UnsignedWord);
    case Opcode::FcvtLS:
    case Opcode::FcvtLD: return to_integer(lift, i, fp::Integer::Long);
    case Opcode::FcvtLuS:
    case Opcode::FcvtLuD: return to_integer(lift, i, fp::Integer::UnsignedLong);
    case Opcode::FcvtSW:
    case Opcode::FcvtDW: return from_integer(lift, i, fp::Integer::Word);
    case Opcode::FcvtSWu:
    case Opcode::FcvtDWu: return from_integer(lift, i, fp::Integer::UnsignedWord);
    case Opcode::FcvtSL:
    case Opcode::FcvtDL: return from_integer(lift, i, fp::Integer::Long);
    case Opcode::FcvtSLu:
    case Opcode::FcvtDLu: return from_integer(lift, i, fp::Integer::UnsignedLong);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
