// Floating point: operands from their slots, the result to its slot. Between two guards the host's FPU has
// the guest's dynamic rounding mode: only CSR instructions change it, and a guard comes before the next
// operation.
#include "jit/backend/x86_64/compiler.h"
#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit::x86_64 {

using ir::Opcode;
using ir::Precision;
using Xbyak::Reg64;

namespace {

constexpr int kGuard = static_cast<int>(offsetof(Context, guard)) - kContextBias;

bool has_integer_result(Opcode opcode) {
    return opcode == Opcode::FloatCompare || opcode == Opcode::FloatToInteger ||
           opcode == Opcode::FloatToBits;
}

} // namespace

void BaselineCompiler::emit_guard(const Op& op) {
    emit_.cmp(emit_.byte[emit_.r15 + kGuard], 0);
    add_slow_path(emit_.jump_if_later(kNotEqual), &op);
    slow_paths_[slow_path_count_ - 1].is_guard = true;
}

void BaselineCompiler::emit_leave_if_interpreted(const Op* next) {
    emit_.test(emit_.byte[emit_.r15 + kGuard], Context::kInterpretFloat);
    const std::size_t inline_after_all = emit_.jump_if_later(kEqual);
    emit_.mov(emit_.rdx, reinterpret_cast<std::uintptr_t>(next));
    emit_.jump_to(interpret_op_);
    emit_.bind(inline_after_all);
}

void BaselineCompiler::emit_float(const OpClass& op_class, const Op& op) {
    if (!emit_float_inline(op_class, op))
        return emit_call(&op);
    if (!has_integer_result(op_class.opcode))
        emit_.movq(emit_.slot_address(op.d), emit_.xmm0);
    const FloatEmitter::SlowJumps slow = float_.take_slow_jumps();
    for (std::size_t i = 0; i < slow.count; ++i)
        add_slow_path(slow.positions[i], &op);
}

// The result is in xmm0, or has gone to its slot if it is an integer.
bool BaselineCompiler::emit_float_inline(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    const Precision precision = op_class.precision;
    const auto rounding = static_cast<std::uint8_t>(op.imm >> 16);
    const Xbyak::Address slots[] = {e.slot_address(op.a), e.slot_address(op.b), e.slot_address(op.c)};
    const FloatEmitter::Source a{slots[0], boxed_[op.a]}, b{slots[1], boxed_[op.b]},
        c{slots[2], boxed_[op.c]};
    const Reg64 integer = e.target(op.d, e.rcx);
    switch (op_class.opcode) {
    case Opcode::FloatArithmetic:
        return float_.arithmetic(static_cast<fp::Arithmetic>(op_class.attribute), precision, rounding, e.xmm0,
                                 a, b);
    case Opcode::FloatFused:
        return float_.fused(static_cast<fp::Fused>(op_class.attribute), precision, rounding, e.xmm0, a, b, c);
    case Opcode::FloatMinimum: float_.minimum(precision, e.xmm0, a, b); return true;
    case Opcode::FloatMaximum: float_.maximum(precision, e.xmm0, a, b); return true;
    case Opcode::FloatSign:
        float_.sign(static_cast<fp::SignInjection>(op_class.attribute), precision, e.xmm0, a, b);
        return true;
    case Opcode::FloatWiden: return float_.widen(rounding, e.xmm0, a);
    case Opcode::FloatNarrow: return float_.narrow(rounding, e.xmm0, a);
    case Opcode::FloatFromInteger:
        return float_.from_integer(static_cast<fp::Integer>(op_class.attribute), precision, rounding, e.xmm0,
                                   e.in_register(op.a, e.rax));
    case Opcode::FloatFromBits: float_.from_bits(precision, e.xmm0, e.in_register(op.a, e.rax)); return true;
    case Opcode::FloatCompare:
        float_.compare(static_cast<fp::Compare>(op_class.attribute), precision, integer, a, b);
        break;
    case Opcode::FloatToInteger:
        if (!float_.to_integer(static_cast<fp::Integer>(op_class.attribute), precision, rounding, integer, a))
            return false;
        break;
    case Opcode::FloatToBits: float_.to_bits(precision, integer, a); break;
    default: return false;
    }
    e.finish(op.d, integer);
    return true;
}

void BaselineCompiler::note_boxed(const OpClass& op_class, const Op& op) {
    const bool single = op_class.precision == Precision::Single;
    switch (op_class.shape) {
    case Shape::Load: boxed_[op.d] = op_class.extension == ir::Extension::Box; return;
    case Shape::Copy: boxed_[op.d] = boxed_[op.a]; return;
    case Shape::Float:
        boxed_[op.d] =
            op_class.opcode == Opcode::FloatNarrow ||
            (single && op_class.opcode != Opcode::FloatWiden && !has_integer_result(op_class.opcode));
        return;
    case Shape::Call: boxed_.fill(false); return; // it may be a helper
    case Shape::Store:
    case Shape::Fence:
    case Shape::Guard: return; // without a result
    default: boxed_[op.d] = false; return;
    }
}

} // namespace ashlar::jit::x86_64
