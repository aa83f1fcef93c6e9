// Floating point of a region. What the host cannot do leaves the region before the instruction.
#include "jit/backend/x86_64/region_operands.h"
#include "jit/optimizer/state_words.h"

namespace ashlar::jit::x86_64 {

using ir::Opcode;
using ir::Precision;
using optimizer::kNoNode;

bool RegionEmitter::supports(const ir::Instruction& i) {
    static const HostFeatures features = HostFeatures::detect();
    // Where a static mode matters the region makes sure that the dynamic one is the same.
    const bool host_mode = i.rounding == ir::kDynamicRounding ||
                           i.rounding < static_cast<std::uint8_t>(fp::Rounding::NearestMaxMagnitude);
    switch (i.opcode) {
    case Opcode::CountLeadingZeros:
    case Opcode::CountLeadingZerosWord: return features.lzcnt;
    case Opcode::CountTrailingZeros:
    case Opcode::CountTrailingZerosWord: return features.bmi1;
    case Opcode::PopulationCount:
    case Opcode::PopulationCountWord: return features.popcnt;
    case Opcode::ShiftLeftUnsignedWord: return features.bmi2;
    case Opcode::FloatArithmetic:
    case Opcode::FloatNarrow: return host_mode;
    case Opcode::FloatFromInteger: return host_mode || !optimizer::rounds_statically(i);
    case Opcode::FloatFused: return host_mode && features.fma;
    case Opcode::FloatToInteger:
        return i.rounding == ir::kDynamicRounding ||
               i.rounding == static_cast<std::uint8_t>(fp::Rounding::TowardZero) ||
               (features.sse41 && host_mode);
    default: return true;
    }
}

// Singles made here are boxed; what comes from elsewhere may not be.
bool RegionEmitter::is_boxed(NodeId id) const {
    const Node& node = graph_->nodes[id];
    if (node.unboxed)
        return true; // as good as
    if (node.kind != optimizer::Kind::Operation || node.type != ir::Type::Float)
        return false;
    switch (node.opcode) {
    case Opcode::Load: return node.width == 4;
    case Opcode::FloatArithmetic:
    case Opcode::FloatFused:
    case Opcode::FloatMinimum:
    case Opcode::FloatMaximum:
    case Opcode::FloatSign:
    case Opcode::FloatFromInteger:
    case Opcode::FloatFromBits: return node.precision == Precision::Single;
    case Opcode::FloatNarrow: return true;
    default: return false;
    }
}

void RegionEmitter::settle(NodeId id) {
    const Node& node = graph_->at(id);
    if (!is_unsettled(id))
        return;
    const Xmm value = in_float(id, e.xmm15);
    const std::size_t first = node.precision == Precision::Double ? 0 : kXmmRegisters;
    if (node.late)
        e.call_to(thunks_.canonicalizers[first + static_cast<std::size_t>(value.getIdx())]);
    if (node.unboxed)
        float_.box(value);
    if (location(id).kind == Location::Kind::Slot)
        e.movsd(slot(location(id).index), value);
}

void RegionEmitter::exit_from_float(NodeId id) {
    const Node& node = graph_->at(id);
    const FloatEmitter::SlowJumps jumps = float_.take_slow_jumps();
    ASHLAR_ASSERT(jumps.count == 0 || exits(node));
    for (std::size_t i = 0; i < jumps.count; ++i)
        exit_from_jump(jumps.positions[i], exit_before(node));
}

void RegionEmitter::emit_float(NodeId id) {
    const Node& node = graph_->at(id);
    // Operands where they are.
    std::array<Xmm, 3> registers{e.xmm0, e.xmm0, e.xmm0};
    std::array<Xbyak::Address, 3> slots{slot(0), slot(0), slot(0)};
    std::array<const Xbyak::Operand*, 3> operands{};
    for (std::size_t i = 0; i < 3; ++i) {
        const NodeId operand = node.operands[i];
        operands[i] = &registers[0];
        if (operand == kNoNode || graph_->at(operand).type != ir::Type::Float)
            continue;
        const Location from = location(operand);
        if (from.kind == Location::Kind::Float) {
            registers[i] = Xmm(from.index);
            operands[i] = &registers[i];
        } else {
            slots[i] = slot(from.index);
            operands[i] = &slots[i];
        }
    }
    emit_float_result(id, *operands[0], *operands[1], *operands[2]);
    exit_from_float(id);
}

void RegionEmitter::emit_float_result(NodeId id, const Xbyak::Operand& first, const Xbyak::Operand& second,
                                      const Xbyak::Operand& third) {
    const Node& node = graph_->at(id);
    const Precision precision = node.precision;
    const auto source = [&](const Xbyak::Operand& operand, unsigned index) {
        return FloatEmitter::Source{operand,
                                    node.operands[index] != kNoNode && is_boxed(node.operands[index])};
    };
    const FloatEmitter::Source a = source(first, 0), b = source(second, 1), c = source(third, 2);
    const Xmm to = float_target(id, e.xmm13);
    bool done = true;
    switch (node.opcode) {
    case Opcode::FloatArithmetic:
        done = float_.arithmetic(static_cast<fp::Arithmetic>(node.attribute), precision, node.rounding, to, a,
                                 b, !node.late);
        break;
    case Opcode::FloatFused:
        done = float_.fused(static_cast<fp::Fused>(node.attribute), precision, node.rounding, to, a, b, c);
        break;
    case Opcode::FloatMinimum: float_.minimum(precision, to, a, b); break;
    case Opcode::FloatMaximum: float_.maximum(precision, to, a, b); break;
    case Opcode::FloatSign:
        if (node.settles)
            float_.load(to, first);
        else
            float_.sign(static_cast<fp::SignInjection>(node.attribute), precision, to, a, b);
        if (graph_->at(graph_->resolve(node.operands[0])).late)
            float_.canonicalize(precision, to);
        if (graph_->at(graph_->resolve(node.operands[0])).unboxed)
            float_.box(to);
        break;
    case Opcode::FloatWiden: done = float_.widen(node.rounding, to, a); break;
    case Opcode::FloatNarrow: done = float_.narrow(node.rounding, to, a); break;
    case Opcode::FloatFromBits: float_.from_bits(precision, to, in_register(node.operands[0], e.rax)); break;
    case Opcode::FloatFromInteger: {
        const NodeId from = node.operands[0];
        done = float_.from_integer(static_cast<fp::Integer>(node.attribute), precision, node.rounding, to,
                                   in_register(from, e.rax));
        break;
    }
    case Opcode::FloatCompare: {
        const Reg64 d = target(id, e.rdx);
        float_.compare(static_cast<fp::Compare>(node.attribute), precision, d, a, b);
        return finish(id, d);
    }
    case Opcode::FloatToInteger: {
        const Reg64 d = target(id, e.rdx);
        done = float_.to_integer(static_cast<fp::Integer>(node.attribute), precision, node.rounding, d, a);
        ASHLAR_ASSERT(done);
        return finish(id, d);
    }
    case Opcode::FloatClassify: {
        const Reg64 d = target(id, e.rdx);
        float_.classify(precision, d, a, e.rdx, e.r14);
        restore_tlb();
        return finish(id, d);
    }
    case Opcode::FloatToBits: {
        const Reg64 d = target(id, e.rdx);
        float_.to_bits(precision, d, a);
        return finish(id, d);
    }
    default: ASHLAR_ASSERT(false);
    }
    ASHLAR_ASSERT(done);
    finish_float(id, to);
}

} // namespace ashlar::jit::x86_64
