#include "jit/optimizer/state_words.h"

#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

bool can_leave_before(std::span<const ir::Instruction> block, std::size_t index) {
    const ir::Instruction& call = block[index];
    for (std::size_t n = index; n-- != 0 && block[n].guest_index == call.guest_index;) {
        const ir::OperationInfo& info = ir::info(block[n].opcode);
        const bool changes = info.is(ir::kSideEffect) || block[n].opcode == Opcode::Set;
        const bool known = ir::index(call.operands[0]) < n;
        if (changes && (!known || block[n].opcode != Opcode::Set))
            return false;
    }
    return true;
}

bool rounds_statically(const ir::Instruction& i) {
    if (i.rounding == ir::kDynamicRounding)
        return false;
    switch (i.opcode) {
    case Opcode::FloatArithmetic:
    case Opcode::FloatFused:
    case Opcode::FloatNarrow: return true;
    case Opcode::FloatFromInteger: // a double holds every word
        return i.precision != ir::Precision::Double ||
               i.attribute == static_cast<std::uint8_t>(fp::Integer::Long) ||
               i.attribute == static_cast<std::uint8_t>(fp::Integer::UnsignedLong);
    default: return false;
    }
}

NodeId StateWords::get(unsigned slot) {
    NodeId& known = known_[slot];
    if (known != kNoNode)
        return known;
    Node node = at_;
    node.kind = Kind::Operation;
    node.opcode = Opcode::Get;
    node.immediate = slot;
    node.fixed = !graph_.changed_words[slot];
    if (node.fixed)
        return known = folder_.make(node, at_.block);
    known = graph_.create(node);
    if (known != kNoNode)
        graph_.append(at_.block, known);
    return known;
}

void StateWords::set(unsigned slot, NodeId value) {
    Node node = at_;
    node.kind = Kind::Operation;
    node.opcode = Opcode::Set;
    node.type = ir::Type::None;
    node.immediate = slot;
    node.operands[0] = value;
    const NodeId id = graph_.create(node);
    if (id == kNoNode)
        return;
    graph_.append(at_.block, id);
    known_[slot] = value;
    if (first_effect_ == kNoNode)
        first_effect_ = id;
}

void StateWords::leave_if(NodeId value, bool negated) {
    Node node = at_;
    node.kind = Kind::LeaveIf;
    node.type = ir::Type::None;
    node.operands[0] = value;
    node.negated = negated;
    const NodeId id = graph_.create(node);
    if (id == kNoNode)
        return;
    if (first_effect_ == kNoNode)
        graph_.append(at_.block, id);
    else
        graph_.insert_before(first_effect_, id);
}

void StateWords::require_rounding(std::uint8_t mode) {
    Node difference;
    difference.kind = Kind::Operation;
    difference.opcode = Opcode::Xor;
    difference.operands[0] = get(ir::kRoundingSlot);
    difference.operands[1] = folder_.constant(mode);
    if (difference.operands[0] == kNoNode || difference.operands[1] == kNoNode)
        return;
    leave_if(folder_.make(difference, at_.block), false);
}

void merge_leaves(Graph& graph) {
    Bounded<NodeId, 256> kept;
    for (const BlockId block : graph.order)
        for (NodeId n = graph.blocks[block].first, next; n != kNoNode; n = next) {
            next = graph.at(n).next;
            const Node& node = graph.at(n);
            if (node.kind != Kind::LeaveIf)
                continue;
            const NodeId value = graph.resolve(node.operands[0]);
            bool known = graph.is_constant(value) && (graph.at(value).immediate == 0) != node.negated;
            for (const NodeId other : kept)
                known = known || (graph.resolve(graph.at(other).operands[0]) == value &&
                                  graph.at(other).negated == node.negated &&
                                  graph.dominates(graph.at(other).block, block));
            if (known)
                graph.remove(n);
            else
                kept.push(n);
        }
}

} // namespace ashlar::jit::optimizer
