// Integer operations of a region. A narrow value is one whose upper half nobody looks at: it is computed in
// 32 bits and its upper half is undefined.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/region_operands.h"

namespace ashlar::jit::x86_64 {

using ir::Opcode;
using optimizer::kNoNode;

namespace {

std::uint32_t bits(std::int32_t value) {
    return static_cast<std::uint32_t>(value);
}

} // namespace

void RegionEmitter::emit_operation(NodeId id) {
    const Node& node = graph_->at(id);
    if (ir::is_binary(node.opcode))
        return emit_binary(id);
    if (ir::is_unary(node.opcode))
        return emit_unary(id);
    switch (node.opcode) {
    case Opcode::Constant: return;
    case Opcode::PcRelative: {
        if (location(id).kind == Location::Kind::Recompute || location(id).kind == Location::Kind::None)
            return;
        const Reg64 to = target(id, e.rax);
        load_pc(to, node.immediate);
        return finish(id, to);
    }
    case Opcode::Load: return emit_load(id);
    case Opcode::Store: return emit_store(id);
    case Opcode::Fence: return emit_fence(node);
    case Opcode::Get: return emit_get(id);
    case Opcode::Set: return emit_set(node);
    case Opcode::LoadReserved: return emit_load_reserved(id);
    case Opcode::StoreConditional: return emit_store_conditional(id);
    case Opcode::Atomic: return emit_atomic(id);
    default: return emit_float(id);
    }
}

void RegionEmitter::sign_extend(NodeId id, const Reg64& value) {
    const Reg64 to = target(id, e.rax);
    if (!is_narrow(id))
        e.movsxd(to, value.cvt32());
    else if (to.getIdx() != value.getIdx())
        e.mov(to.cvt32(), value.cvt32());
    finish(id, to);
}

void RegionEmitter::emit_binary(NodeId id) {
    const Opcode opcode = graph_->at(id).opcode;
    switch (opcode) {
    case Opcode::Add: return emit_add(id);
    case Opcode::Subtract:
    case Opcode::Multiply: return emit_simple(id, opcode, false);
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor: return emit_simple(id, opcode, is_narrow(id));
    case Opcode::AddWord:
    case Opcode::SubtractWord:
    case Opcode::MultiplyWord: return emit_word(id);
    case Opcode::AndNot:
    case Opcode::OrNot:
    case Opcode::XorNot: return emit_not(id);
    case Opcode::ShiftLeft:
    case Opcode::ShiftRight:
    case Opcode::ShiftRightSigned:
    case Opcode::RotateLeft:
    case Opcode::RotateRight: return emit_shift(id, opcode, false);
    case Opcode::ShiftLeftWord: return emit_shift(id, Opcode::ShiftLeft, true);
    case Opcode::ShiftRightWord: return emit_shift(id, Opcode::ShiftRight, true);
    case Opcode::ShiftRightSignedWord: return emit_shift(id, Opcode::ShiftRightSigned, true);
    case Opcode::RotateLeftWord: return emit_shift(id, Opcode::RotateLeft, true);
    case Opcode::RotateRightWord: return emit_shift(id, Opcode::RotateRight, true);
    case Opcode::Less:
    case Opcode::LessUnsigned: return emit_compare_set(id);
    case Opcode::Minimum:
    case Opcode::MinimumUnsigned:
    case Opcode::Maximum:
    case Opcode::MaximumUnsigned: return emit_select(id);
    case Opcode::MultiplyHigh:
    case Opcode::MultiplyHighMixed:
    case Opcode::MultiplyHighUnsigned: return emit_multiply_high(id);
    case Opcode::Divide:
    case Opcode::DivideUnsigned:
    case Opcode::Remainder:
    case Opcode::RemainderUnsigned:
    case Opcode::DivideWord:
    case Opcode::DivideUnsignedWord:
    case Opcode::RemainderWord:
    case Opcode::RemainderUnsignedWord: return emit_divide(id);
    case Opcode::ShiftAdd1: return emit_shift_add(id, 1, false);
    case Opcode::ShiftAdd2: return emit_shift_add(id, 2, false);
    case Opcode::ShiftAdd3: return emit_shift_add(id, 3, false);
    case Opcode::AddUnsignedWord: return emit_shift_add(id, 0, true);
    case Opcode::ShiftAdd1UnsignedWord: return emit_shift_add(id, 1, true);
    case Opcode::ShiftAdd2UnsignedWord: return emit_shift_add(id, 2, true);
    case Opcode::ShiftAdd3UnsignedWord: return emit_shift_add(id, 3, true);
    case Opcode::ShiftLeftUnsignedWord: {
        load32(e.rax, graph_->at(id).operands[0]);
        std::int32_t amount = 0;
        if (immediate(graph_->at(id).operands[1], amount)) {
            e.shl(e.rax, amount & 63);
            return finish(id, e.rax);
        }
        const Reg64 by = in_register(graph_->at(id).operands[1], e.rdx);
        e.shlx(e.rax, e.rax, by);
        return finish(id, e.rax);
    }
    case Opcode::BitSet:
    case Opcode::BitClear:
    case Opcode::BitInvert:
    case Opcode::BitExtract: return emit_bit(id);
    default: ASHLAR_ASSERT(false);
    }
}

void RegionEmitter::emit_add(NodeId id) {
    const Node& node = graph_->at(id);
    const Reg64 to = target(id, e.rax);
    std::int32_t constant = 0;
    if (immediate(node.operands[1], constant)) {
        if (lives_in(node.operands[0], to)) {
            e.add(to, bits(constant));
        } else {
            const Reg64 a = in_register(node.operands[0], to);
            a.getIdx() == to.getIdx() ? e.add(to, bits(constant)) : e.lea(to, e.ptr[a + constant]);
        }
        return finish(id, to);
    }
    const bool in_registers = location(node.operands[0]).kind == Location::Kind::Register &&
                              location(node.operands[1]).kind == Location::Kind::Register;
    if (in_registers && !lives_in(node.operands[0], to) && !lives_in(node.operands[1], to)) {
        e.lea(to, e.ptr[Reg64(location(node.operands[0]).index) + Reg64(location(node.operands[1]).index)]);
        return finish(id, to);
    }
    emit_simple(id, Opcode::Add, false);
}

// Two-operand instructions.
void RegionEmitter::emit_simple(NodeId id, Opcode opcode, bool narrow) {
    const Node& node = graph_->at(id);
    NodeId a = node.operands[0], b = node.operands[1];
    Reg64 to = target(id, e.rax);
    std::int32_t constant = 0;
    const bool has_constant = immediate(b, constant);
    if (opcode == Opcode::And && (constant == 0xff || constant == 0xffff) && has_constant) {
        const Reg64 from = in_register(a, e.rax);
        constant == 0xff ? e.movzx(to.cvt32(), from.cvt8()) : e.movzx(to.cvt32(), from.cvt16());
        return finish(id, to);
    }
    if (opcode == Opcode::Multiply && has_constant) {
        with_operand(a, e.rax, false, [&](const Xbyak::Operand& from) { e.imul(to, from, constant); });
        return finish(id, to);
    }
    if (lives_in(b, to) && !lives_in(a, to)) {
        if (ir::commutes(opcode))
            std::swap(a, b);
        else
            to = e.rax;
    }
    load(to, a);
    const Xbyak::Reg32 to32 = to.cvt32();
    const auto apply = [&](const auto& from) {
        const auto go = [&](const auto& dst) {
            switch (opcode) {
            case Opcode::Add: return e.add(dst, from);
            case Opcode::Subtract: return e.sub(dst, from);
            case Opcode::And: return e.and_(dst, from);
            case Opcode::Or: return e.or_(dst, from);
            case Opcode::Xor: return e.xor_(dst, from);
            default: ASHLAR_ASSERT(false);
            }
        };
        narrow ? go(static_cast<const Xbyak::Operand&>(to32)) : go(static_cast<const Xbyak::Operand&>(to));
    };
    if (has_constant && opcode == Opcode::Xor && constant == -1)
        narrow ? e.not_(to32) : e.not_(to);
    else if (has_constant)
        apply(bits(constant));
    else if (opcode == Opcode::Multiply)
        with_operand(b, e.rdx, false, [&](const Xbyak::Operand& from) { e.imul(to, from); });
    else
        with_operand(b, e.rdx, narrow, [&](const Xbyak::Operand& from) { apply(from); });
    finish(id, to);
}

void RegionEmitter::emit_word(NodeId id) {
    const Node& node = graph_->at(id);
    NodeId a = node.operands[0], b = node.operands[1];
    std::int32_t constant = 0;
    Reg64 to = target(id, e.rax);
    const bool has_constant = immediate(b, constant);
    if (node.opcode == Opcode::AddWord && has_constant) {
        if (constant == 0) { // an extension
            if (is_narrow(id)) {
                load32(to, a);
                return finish(id, to);
            }
            with_operand(a, e.rax, true, [&](const Xbyak::Operand& from) { e.movsxd(to, from); });
            return finish(id, to);
        }
        const Reg64 from = in_register(a, to);
        from.getIdx() == to.getIdx() ? e.add(to.cvt32(), bits(constant))
                                     : e.lea(to.cvt32(), e.ptr[from + constant]);
        return sign_extend(id, to);
    }
    if (node.opcode == Opcode::MultiplyWord && has_constant) {
        with_operand(a, e.rax, true, [&](const Xbyak::Operand& from) { e.imul(to.cvt32(), from, constant); });
        return sign_extend(id, to);
    }
    const bool in_registers =
        location(a).kind == Location::Kind::Register && location(b).kind == Location::Kind::Register;
    if (node.opcode == Opcode::AddWord && in_registers && !lives_in(a, to) && !lives_in(b, to)) {
        e.lea(to.cvt32(), e.ptr[Reg64(location(a).index) + Reg64(location(b).index)]);
        return sign_extend(id, to);
    }
    if (lives_in(b, to) && !lives_in(a, to)) {
        if (node.opcode != Opcode::SubtractWord)
            std::swap(a, b);
        else
            to = e.rax;
    }
    if (!lives_in(a, to))
        load32(to, a);
    with_operand(b, e.rdx, true, [&](const Xbyak::Operand& from) {
        node.opcode == Opcode::AddWord        ? e.add(to.cvt32(), from)
        : node.opcode == Opcode::SubtractWord ? e.sub(to.cvt32(), from)
                                              : e.imul(to.cvt32(), from);
    });
    sign_extend(id, to);
}

void RegionEmitter::emit_not(NodeId id) {
    const Node& node = graph_->at(id);
    load(e.rax, node.operands[1]);
    e.not_(e.rax);
    with_operand(node.operands[0], e.rdx, false, [&](const Xbyak::Operand& from) {
        node.opcode == Opcode::AndNot  ? e.and_(e.rax, from)
        : node.opcode == Opcode::OrNot ? e.or_(e.rax, from)
                                       : e.xor_(e.rax, from);
    });
    finish(id, e.rax);
}

void RegionEmitter::emit_shift(NodeId id, Opcode opcode, bool narrow) {
    const Node& node = graph_->at(id);
    std::int32_t constant = 0;
    if (immediate(node.operands[1], constant))
        return emit_shift_by(id, opcode, static_cast<unsigned>(constant) & (narrow ? 31 : 63), narrow);
    const bool rotates = opcode == Opcode::RotateLeft || opcode == Opcode::RotateRight;
    if (!rotates && e.features.bmi2) {
        const Reg64 by = in_register(node.operands[1], e.rdx);
        const Reg64 to = target(id, e.rax);
        const auto emit = [&](const Xbyak::Reg32e& dst, const Xbyak::Operand& from,
                              const Xbyak::Reg32e& amount) {
            opcode == Opcode::ShiftLeft    ? e.shlx(dst, from, amount)
            : opcode == Opcode::ShiftRight ? e.shrx(dst, from, amount)
                                           : e.sarx(dst, from, amount);
        };
        with_operand(node.operands[0], e.rax, narrow, [&](const Xbyak::Operand& from) {
            narrow ? emit(to.cvt32(), from, by.cvt32()) : emit(to, from, by);
        });
        return narrow ? sign_extend(id, to) : finish(id, to);
    }
    narrow ? load32(e.rax, node.operands[0]) : load(e.rax, node.operands[0]);
    e.mov(e.rdx, e.rcx);
    if (!lives_in(node.operands[1], e.rcx))
        load(e.rcx, node.operands[1]);
    const auto emit = [&](const Xbyak::Reg& dst) {
        switch (opcode) {
        case Opcode::ShiftLeft: return e.shl(dst, e.cl);
        case Opcode::ShiftRight: return e.shr(dst, e.cl);
        case Opcode::ShiftRightSigned: return e.sar(dst, e.cl);
        case Opcode::RotateLeft: return e.rol(dst, e.cl);
        default: return e.ror(dst, e.cl);
        }
    };
    narrow ? emit(e.eax) : emit(e.rax);
    e.mov(e.rcx, e.rdx);
    narrow ? sign_extend(id, e.rax) : finish(id, e.rax);
}

void RegionEmitter::emit_shift_by(NodeId id, Opcode opcode, unsigned amount, bool narrow) {
    const Node& node = graph_->at(id);
    const NodeId a = node.operands[0];
    const Reg64 to = target(id, e.rax);
    const int by = static_cast<int>(amount);
    const bool rotates = opcode == Opcode::RotateLeft || opcode == Opcode::RotateRight;
    if (rotates && e.features.bmi2) {
        const int width = narrow ? 32 : 64;
        const int right = opcode == Opcode::RotateRight ? by : (width - by) & (width - 1);
        with_operand(a, e.rax, narrow, [&](const Xbyak::Operand& from) {
            narrow ? e.rorx(to.cvt32(), from, static_cast<std::uint8_t>(right))
                   : e.rorx(to, from, static_cast<std::uint8_t>(right));
        });
        return narrow ? sign_extend(id, to) : finish(id, to);
    }
    if (opcode == Opcode::ShiftLeft && !narrow && by >= 1 && by <= 3 && !lives_in(a, to) &&
        location(a).kind == Location::Kind::Register) {
        const Reg64 from(location(a).index);
        by == 1 ? e.lea(to, e.ptr[from + from]) : e.lea(to, e.ptr[from * (1 << by)]);
        return finish(id, to);
    }
    narrow ? (lives_in(a, to) ? void() : load32(to, a)) : load(to, a);
    const auto emit = [&](const Xbyak::Reg& dst) {
        switch (opcode) {
        case Opcode::ShiftLeft: return e.shl(dst, by);
        case Opcode::ShiftRight: return e.shr(dst, by);
        case Opcode::ShiftRightSigned: return e.sar(dst, by);
        case Opcode::RotateLeft: return e.rol(dst, by);
        default: return e.ror(dst, by);
        }
    };
    narrow ? emit(to.cvt32()) : emit(to);
    narrow ? sign_extend(id, to) : finish(id, to);
}

// At an address that no register holds, and that is not the region's start.
bool RegionEmitter::is_far_from_start(NodeId id) const {
    return graph_->is_operation(id, Opcode::PcRelative) && location(id).kind == Location::Kind::Recompute &&
           !is_start(id);
}

// Compares and returns the condition code to test.
std::uint8_t RegionEmitter::emit_compare(NodeId a, NodeId b, ir::Condition condition) {
    static constexpr std::uint8_t kCodes[] = {kEqual,          kNotEqual, kLess,
                                              kGreaterOrEqual, kBelow,    kAboveOrEqual};
    static constexpr std::uint8_t kSwapped[] = {kEqual,       kNotEqual, kGreater,
                                                kLessOrEqual, kAbove,    kBelowOrEqual};
    const bool narrow = graph_->at(a).is_word && graph_->at(b).is_word;
    const bool swap = graph_->is_constant(a) && !graph_->is_constant(b);
    if (swap)
        std::swap(a, b);
    std::int32_t constant = 0;
    if (immediate(b, constant)) {
        if (constant == 0 && location(a).kind == Location::Kind::Register) {
            const Reg64 left(location(a).index);
            narrow ? e.test(left.cvt32(), left.cvt32()) : e.test(left, left);
        } else {
            with_operand(a, e.rax, narrow, [&](const Xbyak::Operand& left) { e.cmp(left, bits(constant)); });
        }
    } else if (is_far_from_start(b) && condition <= ir::Condition::NotEqual && !narrow) {
        load(e.rax, a);
        e.sub(e.rax, slot(ir::kPcSlot));
        e.cmp(e.rax, bits(static_cast<std::int32_t>(graph_->at(b).immediate)));
    } else if (location(a).kind == Location::Kind::Slot && location(b).kind == Location::Kind::Register) {
        const Reg64 right(location(b).index);
        narrow ? e.cmp(e.slot_address32(location(a).index), right.cvt32())
               : e.cmp(slot(location(a).index), right);
    } else {
        const Reg64 left = in_register(a, e.rax);
        with_operand(b, e.rdx, narrow, [&](const Xbyak::Operand& right) {
            narrow ? e.cmp(left.cvt32(), right) : e.cmp(left, right);
        });
    }
    return (swap ? kSwapped : kCodes)[static_cast<std::size_t>(condition)];
}

void RegionEmitter::emit_compare_set(NodeId id) {
    const Node& node = graph_->at(id);
    const Reg64 to = target(id, e.rax);
    const bool direct =
        to.getIdx() != e.rax.getIdx() && !lives_in(node.operands[0], to) && !lives_in(node.operands[1], to);
    if (direct)
        e.xor_(to.cvt32(), to.cvt32());
    const std::uint8_t code =
        emit_compare(node.operands[0], node.operands[1],
                     node.opcode == Opcode::Less ? ir::Condition::Less : ir::Condition::LessUnsigned);
    const Reg64 flag = direct ? to : e.rax;
    switch (code) {
    case kLess: e.setl(flag.cvt8()); break;
    case kBelow: e.setb(flag.cvt8()); break;
    case kGreater: e.setg(flag.cvt8()); break;
    default: e.seta(flag.cvt8());
    }
    if (!direct)
        e.movzx(to.cvt32(), e.al);
    finish(id, to);
}

} // namespace ashlar::jit::x86_64
