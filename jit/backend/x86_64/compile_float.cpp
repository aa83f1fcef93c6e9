// Floating point: operands from their slots, the result to its slot. Between two guards the host's FPU has
// the guest's dynamic rounding mode: only CSR instructions change it, and a guard comes before the next
// operation.
#include "jit/backend/x86_64/compiler.h"
#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit::x86_64 {

using ir::Opcode;
using ir::Precision;
using Xbyak::Reg64;
using Xbyak::Xmm;

namespace {

constexpr int kGuard = static_cast<int>(offsetof(Context, guard)) - kContextBias;

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

void BaselineCompiler::reload(const FloatCache::Contents& floats) {
    for (unsigned i = 0; i < FloatCache::kRegisters; ++i)
        if (floats[i] != FloatCache::kNothing)
            float_.load(Xmm(static_cast<int>(i)), emit_.slot_address(floats[i]));
}

void BaselineCompiler::emit_float(const OpClass& op_class, const Op& op) {
    if (!emit_float_inline(op_class, op))
        return emit_call(&op);
    if (!op_class.has_integer_result())
        emit_.movq(emit_.slot_address(op.d), Xmm(floats_.find(op.d)));
    const FloatEmitter::SlowJumps slow = float_.take_slow_jumps();
    for (std::size_t i = 0; i < slow.count; ++i)
        add_slow_path(slow.positions[i], &op);
}

Xmm BaselineCompiler::float_operand(unsigned slot) {
    if (const int found = floats_.find(slot); found >= 0)
        return Xmm(found);
    const Xmm loaded(floats_.assign(slot));
    float_.load(loaded, emit_.slot_address(slot));
    return loaded;
}

// The result is in its slot's register, or has gone to its slot if it is an integer.
bool BaselineCompiler::emit_float_inline(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    const Precision precision = op_class.precision;
    const auto rounding = static_cast<std::uint8_t>(op.imm >> 16);
    // Operands first, for the result not to take their registers.
    const std::size_t operands = op_class.float_operands();
    const Xmm a_in = operands > 0 ? float_operand(op.a) : e.xmm15,
              b_in = operands > 1 ? float_operand(op.b) : a_in,
              c_in = operands > 2 ? float_operand(op.c) : a_in;
    const FloatEmitter::Source a{a_in, floats_.is_boxed(op.a)}, b{b_in, floats_.is_boxed(op.b)},
        c{c_in, floats_.is_boxed(op.c)};
    if (op_class.has_integer_result()) {
        const Reg64 d = e.target(op.d, e.rcx);
        if (op_class.opcode == Opcode::FloatCompare)
            float_.compare(static_cast<fp::Compare>(op_class.attribute), precision, d, a, b);
        else if (op_class.opcode == Opcode::FloatClassify)
            float_.classify(precision, d, a, e.rdx, e.rcx);
        else if (op_class.opcode == Opcode::FloatToBits)
            float_.to_bits(precision, d, a);
        else if (!float_.to_integer(static_cast<fp::Integer>(op_class.attribute), precision, rounding, d, a))
            return false;
        e.finish(op.d, d);
        return true;
    }
    const Xmm d(op_class.opcode == Opcode::FloatFused ? floats_.assign_another(op.d) : floats_.assign(op.d));
    switch (op_class.opcode) {
    case Opcode::FloatArithmetic:
        return float_.arithmetic(static_cast<fp::Arithmetic>(op_class.attribute), precision, rounding, d, a,
                                 b);
    case Opcode::FloatFused:
        return float_.fused(static_cast<fp::Fused>(op_class.attribute), precision, rounding, d, a, b, c);
    case Opcode::FloatMinimum: float_.minimum(precision, d, a, b); return true;
    case Opcode::FloatMaximum: float_.maximum(precision, d, a, b); return true;
    case Opcode::FloatSign:
        float_.sign(static_cast<fp::SignInjection>(op_class.attribute), precision, d, a, b);
        return true;
    case Opcode::FloatWiden: return float_.widen(rounding, d, a);
    case Opcode::FloatNarrow: return float_.narrow(rounding, d, a);
    case Opcode::FloatFromInteger:
        return float_.from_integer(static_cast<fp::Integer>(op_class.attribute), precision, rounding, d,
                                   e.in_register(op.a, e.rax));
    case Opcode::FloatFromBits: float_.from_bits(precision, d, e.in_register(op.a, e.rax)); return true;
    default: return false;
    }
}

} // namespace ashlar::jit::x86_64
