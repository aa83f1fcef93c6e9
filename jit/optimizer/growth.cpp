#include "jit/optimizer/growth.h"

#include "jit/optimizer/cfg.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

// Whether `value` is `phi` or at most `room` more in one turn of its loop.
bool grows(Graph& graph, NodeId value, NodeId phi, unsigned depth, std::int64_t room = kMaxStride) {
    value = graph.resolve(value);
    if (value == phi)
        return true;
    const Node& node = graph.at(value);
    if (graph.is_operation(value, Opcode::Add) && graph.is_constant(node.operands[1])) {
        const std::int64_t step = graph.at(node.operands[1]).immediate;
        return step > 0 && step <= room && grows(graph, node.operands[0], phi, depth, room - step);
    }
    if (node.kind != Kind::Phi || depth == 0 || !in_loop(graph, node.block, graph.at(phi).block))
        return false;
    for (unsigned p = 0; p < graph.blocks[node.block].predecessor_count; ++p)
        if (!grows(graph, graph.phis[node.phi].values[p], phi, depth - 1, room))
            return false;
    return true;
}

} // namespace

NodeId initial_of_growing(Graph& graph, NodeId address, BlockId block, BlockId& entry) {
    constexpr unsigned kDepth = 3;
    const Node& phi = graph.at(address);
    if (phi.kind != Kind::Phi || graph.blocks[block].loop != phi.block ||
        graph.blocks[block].weight * 2 < graph.blocks[phi.block].weight)
        return kNoNode;
    entry = loop_entry(graph, phi.block);
    if (entry == kNoBlock)
        return kNoNode;
    const BasicBlock& of = graph.blocks[phi.block];
    NodeId initial = kNoNode;
    for (unsigned p = 0; p < of.predecessor_count; ++p) {
        const NodeId value = graph.phis[phi.phi].values[p];
        if (of.predecessors[p] == entry)
            initial = graph.resolve(value);
        // Every turn looks at the address, so that it cannot pass the end of the address space unseen.
        else if (!graph.dominates(block, of.predecessors[p]) || !grows(graph, value, address, kDepth))
            return kNoNode;
    }
    return initial;
}

} // namespace ashlar::jit::optimizer
