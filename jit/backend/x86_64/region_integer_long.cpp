// Integer operations of a region that take several host instructions: selections, high products, division,
// bits.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/region_operands.h"

namespace ashlar::jit::x86_64 {

using ir::Opcode;

namespace {

std::uint32_t bits(std::int32_t value) {
    return static_cast<std::uint32_t>(value);
}

} // namespace

void RegionEmitter::emit_select(NodeId id) {
    const Node& node = graph_->at(id);
    load(e.rax, node.operands[0]);
    with_operand(node.operands[1], e.rdx, false, [&](const Xbyak::Operand& other) {
        e.cmp(e.rax, other);
        switch (node.opcode) {
        case Opcode::Minimum: return e.cmovg(e.rax, other);
        case Opcode::MinimumUnsigned: return e.cmova(e.rax, other);
        case Opcode::Maximum: return e.cmovl(e.rax, other);
        default: return e.cmovb(e.rax, other);
        }
    });
    finish(id, e.rax);
}

void RegionEmitter::emit_multiply_high(NodeId id) {
    const Node& node = graph_->at(id);
    load(e.rax, node.operands[0]);
    with_operand(node.operands[1], e.rdx, false, [&](const Xbyak::Operand& by) {
        node.opcode == Opcode::MultiplyHigh ? e.imul(by) : e.mul(by);
    });
    if (node.opcode == Opcode::MultiplyHighMixed) { // less b where a is negative
        load(e.rax, node.operands[0]);
        e.sar(e.rax, 63);
        if (graph_->is_constant(node.operands[1])) {
            e.mov(slot(kScratchSlot), e.rdx);
            load(e.rdx, node.operands[1]);
            e.and_(e.rax, e.rdx);
            e.mov(e.rdx, slot(kScratchSlot));
        } else if (location(node.operands[1]).kind == Location::Kind::Recompute) {
            e.mov(slot(kScratchSlot), e.rdx);
            load(e.rdx, node.operands[1]);
            e.and_(e.rax, e.rdx);
            e.mov(e.rdx, slot(kScratchSlot));
        } else {
            with_operand(node.operands[1], e.rdx, false,
                         [&](const Xbyak::Operand& by) { e.and_(e.rax, by); });
        }
        e.sub(e.rdx, e.rax);
    }
    finish(id, e.rdx);
}

// By zero: all ones, or the dividend as the remainder. By minus one without the host's overflow exception.
void RegionEmitter::emit_divide(NodeId id) {
    const Node& node = graph_->at(id);
    const Opcode opcode = node.opcode;
    const bool is_word = opcode >= Opcode::DivideWord && opcode <= Opcode::RemainderUnsignedWord;
    const bool is_signed = opcode == Opcode::Divide || opcode == Opcode::Remainder ||
                           opcode == Opcode::DivideWord || opcode == Opcode::RemainderWord;
    const bool remainder = opcode == Opcode::Remainder || opcode == Opcode::RemainderUnsigned ||
                           opcode == Opcode::RemainderWord || opcode == Opcode::RemainderUnsignedWord;
    const NodeId by = node.operands[1];
    if (location(by).kind == Location::Kind::Recompute) {
        load(e.rax, by);
        e.mov(slot(kScratchSlot), e.rax);
    }
    const auto with_divisor = [&](auto use) {
        if (location(by).kind == Location::Kind::Recompute)
            is_word ? use(static_cast<const Xbyak::Operand&>(e.slot_address32(kScratchSlot)))
                    : use(static_cast<const Xbyak::Operand&>(slot(kScratchSlot)));
        else
            with_operand(by, e.rdx, is_word, use);
    };
    is_word ? load32(e.rax, node.operands[0]) : load(e.rax, node.operands[0]);
    const bool constant = graph_->is_constant(by);
    const std::int64_t value = graph_->at(by).immediate;
    const bool may_be_zero = !constant || (is_word ? static_cast<std::int32_t>(value) == 0 : value == 0);
    const bool may_overflow =
        is_signed && (!constant || (is_word ? static_cast<std::int32_t>(value) == -1 : value == -1));
    std::size_t by_zero = 0, by_minus_one = 0;
    if (may_be_zero) {
        with_divisor([&](const Xbyak::Operand& divisor) { e.cmp(divisor, 0); });
        by_zero = e.jump_if_later(kEqual);
    }
    if (may_overflow) {
        with_divisor([&](const Xbyak::Operand& divisor) { e.cmp(divisor, bits(-1)); });
        by_minus_one = e.jump_if_later(kEqual);
    }
    if (is_signed) {
        is_word ? e.cdq() : e.cqo();
        with_divisor([&](const Xbyak::Operand& divisor) { e.idiv(divisor); });
    } else {
        e.xor_(e.edx, e.edx);
        with_divisor([&](const Xbyak::Operand& divisor) { e.div(divisor); });
    }
    if (remainder)
        e.mov(e.rax, e.rdx);
    std::size_t done = 0, done_too = 0;
    if (by_zero != 0 || by_minus_one != 0)
        done = e.jump_later();
    if (by_minus_one != 0) {
        e.bind(by_minus_one);
        remainder ? e.xor_(e.eax, e.eax) : e.neg(e.rax);
        if (by_zero != 0)
            done_too = e.jump_later();
    }
    if (by_zero != 0) {
        e.bind(by_zero);
        if (!remainder)
            e.mov(e.rax, -1);
    }
    if (done_too != 0)
        e.bind(done_too);
    if (done != 0)
        e.bind(done);
    is_word ? sign_extend(id, e.rax) : finish(id, e.rax);
}

void RegionEmitter::emit_shift_add(NodeId id, unsigned shift, bool unsigned_word) {
    const Node& node = graph_->at(id);
    const Reg64 to = target(id, e.rax);
    if (unsigned_word && graph_->is_constant(node.operands[1], 0)) {
        load32(shift == 0 ? to : e.rax, node.operands[0]);
        if (shift != 0)
            e.lea(to, e.ptr[e.rax * (1 << shift)]);
        return finish(id, to);
    }
    Reg64 index = e.rax;
    if (unsigned_word)
        load32(e.rax, node.operands[0]);
    else
        index = in_register(node.operands[0], e.rax);
    const Reg64 base = in_register(node.operands[1], e.rdx);
    e.lea(to, e.ptr[base + index * (1 << shift)]);
    finish(id, to);
}

void RegionEmitter::emit_bit(NodeId id) {
    const Node& node = graph_->at(id);
    const Reg64 to = e.rax;
    load(to, node.operands[0]);
    std::int32_t constant = 0;
    if (immediate(node.operands[1], constant)) {
        const auto bit = static_cast<std::uint8_t>(constant & 63);
        switch (node.opcode) {
        case Opcode::BitSet: e.bts(to, bit); break;
        case Opcode::BitClear: e.btr(to, bit); break;
        case Opcode::BitInvert: e.btc(to, bit); break;
        default: e.shr(to, bit); e.and_(to.cvt32(), 1);
        }
        return finish(id, to);
    }
    const Reg64 bit = in_register(node.operands[1], e.rdx);
    switch (node.opcode) {
    case Opcode::BitSet: e.bts(to, bit); break;
    case Opcode::BitClear: e.btr(to, bit); break;
    case Opcode::BitInvert: e.btc(to, bit); break;
    default:
        e.bt(to, bit);
        e.setc(e.al);
        e.movzx(e.eax, e.al);
    }
    finish(id, to);
}

void RegionEmitter::emit_unary(NodeId id) {
    const Node& node = graph_->at(id);
    const NodeId a = node.operands[0];
    const Reg64 to = target(id, e.rax);
    switch (node.opcode) {
    case Opcode::SignExtend8: {
        const Reg64 from = in_register(a, e.rax);
        is_narrow(id) ? e.movsx(to.cvt32(), from.cvt8()) : e.movsx(to, from.cvt8());
        return finish(id, to);
    }
    case Opcode::SignExtend16: {
        const Reg64 from = in_register(a, e.rax);
        is_narrow(id) ? e.movsx(to.cvt32(), from.cvt16()) : e.movsx(to, from.cvt16());
        return finish(id, to);
    }
    case Opcode::ZeroExtend16: {
        const Reg64 from = in_register(a, e.rax);
        e.movzx(to.cvt32(), from.cvt16());
        return finish(id, to);
    }
    case Opcode::ReverseBytes:
        load(to, a);
        e.bswap(to);
        return finish(id, to);
    case Opcode::CountLeadingZeros:
        with_operand(a, e.rax, false, [&](const Xbyak::Operand& from) { e.lzcnt(to, from); });
        return finish(id, to);
    case Opcode::CountTrailingZeros:
        with_operand(a, e.rax, false, [&](const Xbyak::Operand& from) { e.tzcnt(to, from); });
        return finish(id, to);
    case Opcode::PopulationCount:
        with_operand(a, e.rax, false, [&](const Xbyak::Operand& from) { e.popcnt(to, from); });
        return finish(id, to);
    case Opcode::CountLeadingZerosWord:
        with_operand(a, e.rax, true, [&](const Xbyak::Operand& from) { e.lzcnt(to.cvt32(), from); });
        return finish(id, to);
    case Opcode::CountTrailingZerosWord:
        with_operand(a, e.rax, true, [&](const Xbyak::Operand& from) { e.tzcnt(to.cvt32(), from); });
        return finish(id, to);
    case Opcode::PopulationCountWord:
        with_operand(a, e.rax, true, [&](const Xbyak::Operand& from) { e.popcnt(to.cvt32(), from); });
        return finish(id, to);
    case Opcode::OrCombineBytes: // bit 7 of every byte that is not zero, then spread
        e.mov(e.rax, 0x7f7f7f7f7f7f7f7f);
        load(e.rdx, a);
        e.and_(e.rdx, e.rax);
        e.add(e.rdx, e.rax);
        with_operand(a, e.rax, false, [&](const Xbyak::Operand& from) { e.or_(e.rdx, from); });
        e.shr(e.rdx, 7);
        e.mov(e.rax, 0x0101010101010101);
        e.and_(e.rax, e.rdx);
        e.imul(e.rax, e.rax, 0xff);
        return finish(id, e.rax);
    default: ASHLAR_ASSERT(false);
    }
}

} // namespace ashlar::jit::x86_64
