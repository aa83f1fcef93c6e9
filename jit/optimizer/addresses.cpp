#include "jit/optimizer/addresses.h"

#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

void Addresses::count_uses() {
    uses_.fill(0);
    const auto count = [&](NodeId id) {
        if (id != kNoNode)
            ++uses_[graph_.resolve(id)];
    };
    for (const BlockId id : graph_.order) {
        const BasicBlock& block = graph_.blocks[id];
        for_each_end_operand(block, count);
        for (NodeId n = block.first; n != kNoNode; n = graph_.at(n).next) {
            const Node& node = graph_.at(n);
            for (unsigned i = accesses_memory(node) ? 1 : 0; i < 3; ++i)
                count(node.operands[i]);
            if (node.kind == Kind::Phi)
                for (unsigned p = 0; p < block.predecessor_count; ++p)
                    count(graph_.phis[node.phi].values[p]);
        }
    }
}

// By how much an index is shifted, or 0.
std::int64_t Addresses::scale_of(NodeId id) const {
    const Node& node = graph_.at(id);
    if (!graph_.is_operation(id, Opcode::ShiftLeft) || !graph_.is_constant(node.operands[1]))
        return 0;
    const std::int64_t by = graph_.at(node.operands[1]).immediate & 63;
    return by <= 3 ? by : 0;
}

Addresses::Sum Addresses::sum(NodeId address) const {
    const Node& node = graph_.at(address);
    if (node.kind != Kind::Operation || uses_[address] != 0)
        return {};
    const NodeId a = node.operands[0], b = node.operands[1];
    switch (node.opcode) {
    case Opcode::Add:
        if (graph_.is_constant(b))
            return {};
        if (const std::int64_t by = scale_of(b); by != 0)
            return {a, graph_.at(b).operands[0], static_cast<std::uint8_t>(by)};
        if (const std::int64_t by = scale_of(a); by != 0)
            return {b, graph_.at(a).operands[0], static_cast<std::uint8_t>(by)};
        return {a, b, 0};
    case Opcode::ShiftAdd1: return {b, a, 1};
    case Opcode::ShiftAdd2: return {b, a, 2};
    case Opcode::ShiftAdd3: return {b, a, 3};
    default: return {};
    }
}

} // namespace ashlar::jit::optimizer
