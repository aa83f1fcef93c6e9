// Integer computation. An op's operands are slots: pinned registers or memory; d may be the same as a or b.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/emitter.h"

namespace ashlar::jit::x86_64 {

using ir::Opcode;
using Xbyak::Reg64;

namespace {

std::uint32_t bits(std::int32_t value) {
    return static_cast<std::uint32_t>(value);
}

} // namespace

template <class Use>
void Emitter::with_operand(unsigned slot, Use use) {
    if (is_pinned(slot))
        use(static_cast<const Xbyak::Operand&>(Reg64(host_of(slot))));
    else
        use(static_cast<const Xbyak::Operand&>(slot_address(slot)));
}

void Emitter::apply(Opcode opcode, const Xbyak::Operand& to, const Xbyak::Operand& from) {
    switch (opcode) {
    case Opcode::Add: return add(to, from);
    case Opcode::Subtract: return sub(to, from);
    case Opcode::And: return and_(to, from);
    case Opcode::Or: return or_(to, from);
    case Opcode::Xor: return xor_(to, from);
    case Opcode::Multiply: return imul(Reg64(to.getIdx()), from);
    default: ASHLAR_ASSERT(false);
    }
}

void Emitter::apply(Opcode opcode, const Xbyak::Operand& to, std::int32_t immediate) {
    switch (opcode) {
    case Opcode::Add: return add(to, bits(immediate));
    case Opcode::Subtract: return sub(to, bits(immediate));
    case Opcode::And: return and_(to, bits(immediate));
    case Opcode::Or: return or_(to, bits(immediate));
    case Opcode::Xor: return xor_(to, bits(immediate));
    default: ASHLAR_ASSERT(false);
    }
}

void Emitter::simple(Opcode opcode, const Op& op) {
    unsigned a = op.a, b = op.b;
    const unsigned d = op.d;
    if (opcode == Opcode::Add && is_pinned(d) && is_pinned(a) && is_pinned(b) && d != a && d != b)
        return lea(Reg64(host_of(d)), ptr[Reg64(host_of(a)) + Reg64(host_of(b))]);
    if (d == b && ir::commutes(opcode))
        std::swap(a, b);
    if (!is_pinned(d) && d == a && is_pinned(b) && opcode != Opcode::Multiply)
        return apply(opcode, slot_address(d), Reg64(host_of(b)));
    // Computing in d's register must not destroy b before it is read.
    const Reg64 to = d == b && d != a ? rax : target(d, rax);
    load_slot(to, a);
    with_operand(b, [&](const Xbyak::Operand& from) { apply(opcode, to, from); });
    finish(d, to);
}

void Emitter::simple_immediate(Opcode opcode, const Op& op) {
    if (opcode == Opcode::Multiply) {
        const Reg64 to = target(op.d, rax);
        with_operand(op.a, [&](const Xbyak::Operand& from) { imul(to, from, op.imm); });
        return finish(op.d, to);
    }
    if (opcode == Opcode::Add && is_pinned(op.d) && is_pinned(op.a) && op.d != op.a)
        return lea(Reg64(host_of(op.d)), ptr[Reg64(host_of(op.a)) + op.imm]);
    if (!is_pinned(op.d) && op.d == op.a)
        return apply(opcode, slot_address(op.d), op.imm);
    const Reg64 to = target(op.d, rax);
    load_slot(to, op.a);
    apply(opcode, to, op.imm);
    finish(op.d, to);
}

void Emitter::compare_set(const Op& op, bool is_signed) {
    const Reg64 left = in_register(op.a, rcx);
    const bool direct = is_pinned(op.d) && op.d != op.a && op.d != op.b;
    const Reg64 to = direct ? Reg64(host_of(op.d)) : rax;
    xor_(to.cvt32(), to.cvt32());
    with_operand(op.b, [&](const Xbyak::Operand& right) { cmp(left, right); });
    is_signed ? setl(to.cvt8()) : setb(to.cvt8());
    finish(op.d, to);
}

void Emitter::compare_set_immediate(const Op& op, bool is_signed) {
    const bool direct = is_pinned(op.d) && op.d != op.a;
    const Reg64 to = direct ? Reg64(host_of(op.d)) : rax;
    xor_(to.cvt32(), to.cvt32());
    with_operand(op.a, [&](const Xbyak::Operand& left) { cmp(left, bits(op.imm)); });
    is_signed ? setl(to.cvt8()) : setb(to.cvt8());
    finish(op.d, to);
}

void Emitter::shift(Opcode opcode, const Op& op) {
    load_slot(rcx, op.b);
    const bool is_word = opcode == Opcode::ShiftLeftWord || opcode == Opcode::ShiftRightWord ||
                         opcode == Opcode::ShiftRightSignedWord || opcode == Opcode::RotateLeftWord ||
                         opcode == Opcode::RotateRightWord;
    const Reg64 to = target(op.d, rax);
    if (is_word)
        load_slot32(rax, op.a);
    else
        load_slot(rax, op.a);
    switch (opcode) {
    case Opcode::ShiftLeft: shl(rax, cl); break;
    case Opcode::ShiftRight: shr(rax, cl); break;
    case Opcode::ShiftRightSigned: sar(rax, cl); break;
    case Opcode::RotateLeft: rol(rax, cl); break;
    case Opcode::RotateRight: ror(rax, cl); break;
    case Opcode::ShiftLeftWord: shl(eax, cl); break;
    case Opcode::ShiftRightWord: shr(eax, cl); break;
    case Opcode::ShiftRightSignedWord: sar(eax, cl); break;
    case Opcode::RotateLeftWord: rol(eax, cl); break;
    case Opcode::RotateRightWord: ror(eax, cl); break;
    default: ASHLAR_ASSERT(false);
    }
    if (is_word)
        movsxd(to, eax);
    finish(op.d, is_word ? to : rax);
}

void Emitter::shift_immediate(Opcode opcode, const Op& op) {
    const int amount = op.imm & 63, word_amount = op.imm & 31;
    const Reg64 to = target(op.d, rax);
    switch (opcode) {
    case Opcode::ShiftLeftWord:
    case Opcode::ShiftRightWord:
    case Opcode::ShiftRightSignedWord:
    case Opcode::RotateRightWord:
        load_slot32(rax, op.a);
        if (opcode == Opcode::ShiftLeftWord)
            shl(eax, word_amount);
        else if (opcode == Opcode::ShiftRightWord)
            shr(eax, word_amount);
        else if (opcode == Opcode::ShiftRightSignedWord)
            sar(eax, word_amount);
        else
            ror(eax, word_amount);
        movsxd(to, eax);
        return finish(op.d, to);
    case Opcode::ShiftLeftUnsignedWord:
        load_slot32(to, op.a);
        shl(to, amount);
        return finish(op.d, to);
    default: break;
    }
    if (opcode == Opcode::ShiftLeft && !is_pinned(op.d) && op.d == op.a)
        return shl(slot_address(op.d), amount);
    load_slot(to, op.a);
    switch (opcode) {
    case Opcode::ShiftLeft: shl(to, amount); break;
    case Opcode::ShiftRight: shr(to, amount); break;
    case Opcode::ShiftRightSigned: sar(to, amount); break;
    case Opcode::RotateRight: ror(to, amount); break;
    case Opcode::BitSet: bts(to, static_cast<std::uint8_t>(amount)); break;
    case Opcode::BitClear: btr(to, static_cast<std::uint8_t>(amount)); break;
    case Opcode::BitInvert: btc(to, static_cast<std::uint8_t>(amount)); break;
    case Opcode::BitExtract:
        shr(to, amount);
        and_(to.cvt32(), 1);
        break;
    default: ASHLAR_ASSERT(false);
    }
    finish(op.d, to);
}

void Emitter::word_arithmetic(Opcode opcode, const Op& op) {
    load_slot32(rax, op.a);
    const auto apply_word = [&](const Xbyak::Operand& from) {
        if (opcode == Opcode::AddWord)
            add(eax, from);
        else if (opcode == Opcode::SubtractWord)
            sub(eax, from);
        else
            imul(eax, from);
    };
    if (is_pinned(op.b))
        apply_word(Xbyak::Reg32(host_of(op.b)));
    else
        apply_word(slot_address32(op.b));
    const Reg64 to = target(op.d, rax);
    movsxd(to, eax);
    finish(op.d, to);
}

void Emitter::minimum_maximum(Opcode opcode, const Op& op) {
    load_slot(rcx, op.b);
    load_slot(rax, op.a);
    cmp(rax, rcx);
    switch (opcode) {
    case Opcode::Minimum: cmovg(rax, rcx); break;
    case Opcode::MinimumUnsigned: cmova(rax, rcx); break;
    case Opcode::Maximum: cmovl(rax, rcx); break;
    default: cmovb(rax, rcx); break;
    }
    finish(op.d, rax);
}

void Emitter::multiply_high(bool is_signed, const Op& op) {
    load_slot(rax, op.a);
    with_operand(op.b, [&](const Xbyak::Operand& from) { is_signed ? imul(from) : mul(from); });
    finish(op.d, rdx);
}

void Emitter::shift_add(unsigned shift, bool unsigned_word, const Op& op) {
    Reg64 index = rax;
    if (unsigned_word)
        load_slot32(rax, op.a);
    else
        index = in_register(op.a, rax);
    const Reg64 base = in_register(op.b, rcx);
    const Reg64 to = target(op.d, rax);
    lea(to, ptr[base + index * (1 << shift)]);
    finish(op.d, to);
}

// By zero: all ones, or the dividend as the remainder. By minus one without the host's overflow exception.
void Emitter::divide(bool is_signed, bool remainder, bool is_word, const Op& op) {
    if (is_word) {
        load_slot32(rcx, op.b);
        load_slot32(rax, op.a);
        test(ecx, ecx);
    } else {
        load_slot(rcx, op.b);
        load_slot(rax, op.a);
        test(rcx, rcx);
    }
    const std::size_t by_zero = jump_if_later(kEqual);
    std::size_t by_minus_one = 0;
    if (is_signed) {
        is_word ? cmp(ecx, -1) : cmp(rcx, -1);
        by_minus_one = jump_if_later(kEqual);
        is_word ? cdq() : cqo();
        is_word ? idiv(ecx) : idiv(rcx);
    } else {
        xor_(edx, edx);
        is_word ? div(ecx) : div(rcx);
    }
    if (remainder)
        mov(rax, rdx);
    const std::size_t done = jump_later();
    std::size_t done_too = 0;
    if (is_signed) {
        bind(by_minus_one);
        if (remainder)
            xor_(eax, eax);
        else
            neg(rax);
        done_too = jump_later();
    }
    bind(by_zero);
    if (!remainder)
        mov(rax, -1);
    if (is_signed)
        bind(done_too);
    bind(done);
    if (is_word)
        movsxd(rax, eax);
    finish(op.d, rax);
}

bool Emitter::handles_binary(Opcode opcode) const {
    switch (opcode) {
    case Opcode::MultiplyHighMixed:
    case Opcode::AndNot:
    case Opcode::OrNot:
    case Opcode::XorNot:
    case Opcode::ShiftLeftUnsignedWord:
    case Opcode::BitSet:
    case Opcode::BitClear:
    case Opcode::BitInvert:
    case Opcode::BitExtract: return false;
    default: return true;
    }
}

void Emitter::emit_binary(const OpClass& op_class, const Op& op) {
    const Opcode opcode = op_class.opcode;
    switch (opcode) {
    case Opcode::Add:
    case Opcode::Subtract:
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::Multiply: return simple(opcode, op);
    case Opcode::Less: return compare_set(op, true);
    case Opcode::LessUnsigned: return compare_set(op, false);
    case Opcode::Minimum:
    case Opcode::MinimumUnsigned:
    case Opcode::Maximum:
    case Opcode::MaximumUnsigned: return minimum_maximum(opcode, op);
    case Opcode::MultiplyHigh: return multiply_high(true, op);
    case Opcode::MultiplyHighUnsigned: return multiply_high(false, op);
    case Opcode::AddWord:
    case Opcode::SubtractWord:
    case Opcode::MultiplyWord: return word_arithmetic(opcode, op);
    case Opcode::ShiftAdd1: return shift_add(1, false, op);
    case Opcode::ShiftAdd2: return shift_add(2, false, op);
    case Opcode::ShiftAdd3: return shift_add(3, false, op);
    case Opcode::AddUnsignedWord: return shift_add(0, true, op);
    case Opcode::ShiftAdd1UnsignedWord: return shift_add(1, true, op);
    case Opcode::ShiftAdd2UnsignedWord: return shift_add(2, true, op);
    case Opcode::ShiftAdd3UnsignedWord: return shift_add(3, true, op);
    case Opcode::Divide: return divide(true, false, false, op);
    case Opcode::DivideUnsigned: return divide(false, false, false, op);
    case Opcode::Remainder: return divide(true, true, false, op);
    case Opcode::RemainderUnsigned: return divide(false, true, false, op);
    case Opcode::DivideWord: return divide(true, false, true, op);
    case Opcode::DivideUnsignedWord: return divide(false, false, true, op);
    case Opcode::RemainderWord: return divide(true, true, true, op);
    case Opcode::RemainderUnsignedWord: return divide(false, true, true, op);
    default: return shift(opcode, op);
    }
}

bool Emitter::handles_binary_immediate(Opcode opcode) const {
    switch (opcode) {
    case Opcode::Add:
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::Multiply:
    case Opcode::MultiplyWord:
    case Opcode::Less:
    case Opcode::LessUnsigned:
    case Opcode::AddWord:
    case Opcode::ShiftLeft:
    case Opcode::ShiftRight:
    case Opcode::ShiftRightSigned:
    case Opcode::RotateRight:
    case Opcode::ShiftLeftWord:
    case Opcode::ShiftRightWord:
    case Opcode::ShiftRightSignedWord:
    case Opcode::RotateRightWord:
    case Opcode::ShiftLeftUnsignedWord:
    case Opcode::BitSet:
    case Opcode::BitClear:
    case Opcode::BitInvert:
    case Opcode::BitExtract: return true;
    default: return false;
    }
}

void Emitter::emit_binary_immediate(const OpClass& op_class, const Op& op) {
    const Opcode opcode = op_class.opcode;
    switch (opcode) {
    case Opcode::Add:
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::Multiply: return simple_immediate(opcode, op);
    case Opcode::Less: return compare_set_immediate(op, true);
    case Opcode::LessUnsigned: return compare_set_immediate(op, false);
    case Opcode::AddWord: {
        const Reg64 to = target(op.d, rax);
        if (op.imm == 0) {
            is_pinned(op.a) ? movsxd(to, Xbyak::Reg32(host_of(op.a))) : movsxd(to, slot_address32(op.a));
        } else {
            if (is_pinned(op.a)) {
                lea(eax, ptr[Reg64(host_of(op.a)) + op.imm]);
            } else {
                mov(eax, slot_address32(op.a));
                add(eax, bits(op.imm));
            }
            movsxd(to, eax);
        }
        return finish(op.d, to);
    }
    case Opcode::MultiplyWord: {
        const Reg64 to = target(op.d, rax);
        if (is_pinned(op.a))
            imul(eax, Xbyak::Reg32(host_of(op.a)), op.imm);
        else
            imul(eax, slot_address32(op.a), op.imm);
        movsxd(to, eax);
        return finish(op.d, to);
    }
    default: return shift_immediate(opcode, op);
    }
}

void Emitter::emit_binary_by_slot(const OpClass& op_class, const Op& op) {
    Op by_slot = op;
    by_slot.b = interpreter::kDiscardSlot;
    mov(slot_address(interpreter::kDiscardSlot), static_cast<std::uint64_t>(std::int64_t{op.imm}));
    emit_binary(op_class, by_slot);
}

bool Emitter::emit_unary(const OpClass& op_class, const Op& op) {
    const Reg64 to = target(op.d, rax);
    switch (op_class.opcode) {
    case Opcode::SignExtend8:
        load_slot32(rax, op.a);
        movsx(to, al);
        break;
    case Opcode::SignExtend16:
        load_slot32(rax, op.a);
        movsx(to, ax);
        break;
    case Opcode::ZeroExtend16:
        load_slot32(rax, op.a);
        movzx(to.cvt32(), ax);
        break;
    case Opcode::ReverseBytes:
        load_slot(to, op.a);
        bswap(to);
        break;
    case Opcode::CountLeadingZeros:
        if (!features.lzcnt)
            return false;
        with_operand(op.a, [&](const Xbyak::Operand& from) { lzcnt(to, from); });
        break;
    case Opcode::CountTrailingZeros:
        if (!features.bmi1)
            return false;
        with_operand(op.a, [&](const Xbyak::Operand& from) { tzcnt(to, from); });
        break;
    case Opcode::PopulationCount:
        if (!features.popcnt)
            return false;
        with_operand(op.a, [&](const Xbyak::Operand& from) { popcnt(to, from); });
        break;
    default: return false;
    }
    finish(op.d, to);
    return true;
}

} // namespace ashlar::jit::x86_64
