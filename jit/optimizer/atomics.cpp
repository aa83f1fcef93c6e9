// What need not be asked again of atomic accesses.
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

bool is_reservation(const Node& node) {
    return is_atomic(node) && node.opcode != Opcode::Atomic;
}

bool same_place(Graph& graph, const Node& a, const Node& b) {
    return graph.resolve(a.operands[0]) == graph.resolve(b.operands[0]) && a.displacement == b.displacement &&
           a.width == b.width;
}

// The load-reserved or store-conditional that comes before the one at `id` on every way there.
NodeId reservation_before(const Graph& graph, NodeId id) {
    const Node& from = graph.nodes[id];
    NodeId n = from.previous;
    BlockId block = from.block;
    for (;;) {
        for (; n != kNoNode; n = graph.nodes[n].previous)
            if (is_reservation(graph.nodes[n]))
                return n;
        const BasicBlock& of = graph.blocks[block];
        if (of.predecessor_count != 1)
            return kNoNode;
        block = of.predecessors[0];
        n = graph.blocks[block].last;
    }
}

} // namespace

// Behind an atomic access its address is aligned.
void merge_alignments(Graph& graph) {
    Bounded<NodeId, 256> known;
    for (const BlockId block : graph.order)
        for (NodeId n = graph.blocks[block].first; n != kNoNode; n = graph.at(n).next) {
            Node& node = graph.at(n);
            if (!is_atomic(node))
                continue;
            for (const NodeId id : known) {
                const Node& other = graph.at(id);
                node.aligned = node.aligned ||
                               (graph.resolve(other.operands[0]) == graph.resolve(node.operands[0]) &&
                                other.width >= node.width &&
                                (other.displacement - node.displacement) % std::int32_t{node.width} == 0 &&
                                graph.dominates(other.block, block));
            }
            if (!node.aligned)
                known.push(n);
        }
}

// Nothing in a region ends a reservation but a store-conditional.
void pair_reservations(Graph& graph) {
    for (const BlockId block : graph.order)
        for (NodeId n = graph.blocks[block].first; n != kNoNode; n = graph.at(n).next) {
            Node& node = graph.at(n);
            if (!graph.is_operation(n, Opcode::StoreConditional))
                continue;
            const NodeId before = reservation_before(graph, n);
            node.reserved = before != kNoNode && graph.is_operation(before, Opcode::LoadReserved) &&
                            same_place(graph, graph.at(before), node);
        }
}

} // namespace ashlar::jit::optimizer
