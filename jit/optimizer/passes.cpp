#include "jit/optimizer/passes.h"

#include <algorithm>

#include "jit/optimizer/cfg.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

void simplify_phis(Graph& graph) {
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
            const auto id = static_cast<NodeId>(i);
            const Node& node = graph.at(id);
            if (node.kind != Kind::Phi || graph.forward[id] != id || node.block == kNoBlock)
                continue;
            NodeId only = kNoNode;
            bool single = true;
            for (unsigned p = 0; p < graph.blocks[node.block].predecessor_count; ++p) {
                const NodeId operand = graph.resolve(graph.phis[node.phi].values[p]);
                if (operand == id || operand == only)
                    continue;
                single = single && only == kNoNode;
                only = operand;
            }
            if (!single || only == kNoNode)
                continue;
            graph.forward[id] = only;
            graph.remove(id);
            changed = true;
        }
    }
}

void find_words(Graph& graph) {
    for (Node& node : graph.nodes)
        if (node.kind == Kind::Phi)
            node.is_word = node.type == ir::Type::Integer;
    const auto merges_words = [&](const Node& phi) {
        for (unsigned p = 0; p < graph.blocks[phi.block].predecessor_count; ++p)
            if (!graph.at(graph.resolve(graph.phis[phi.phi].values[p])).is_word)
                return false;
        return true;
    };
    // Phis come before some of their operands. While they stay what they are everything else does.
    for (bool changed = true; changed;) {
        changed = false;
        for (const BlockId block : graph.order)
            for (NodeId id = graph.blocks[block].first; id != kNoNode; id = graph.at(id).next) {
                Node& node = graph.at(id);
                if (node.kind == Kind::Phi) {
                    node.is_word = node.is_word && merges_words(node);
                } else if (node.kind == Kind::Operation) {
                    for (NodeId& operand : node.operands)
                        operand = graph.resolve(operand);
                    node.is_word = computes_word(graph, node);
                }
            }
        for (const BlockId block : graph.order)
            for (NodeId id = graph.blocks[block].first; id != kNoNode; id = graph.at(id).next) {
                const Node& node = graph.at(id);
                if (node.kind != Kind::Phi)
                    break; // phis come first
                changed = changed || (node.is_word && !merges_words(node));
            }
    }
}

void renumber(Graph& graph, Folder& folder) {
    folder.clear();
    for (const BlockId block : graph.order) {
        for (NodeId id = graph.blocks[block].first, next; id != kNoNode; id = next) {
            Node& node = graph.at(id);
            next = node.next;
            if (node.kind == Kind::Phi || node.kind == Kind::Entry)
                continue;
            for (NodeId& operand : node.operands)
                operand = graph.resolve(operand);
            if (node.kind == Kind::Expect && node.operands[0] == node.operands[1])
                graph.remove(id); // a return to where the inlined call was
            if (!is_pure(node))
                continue;
            if (const NodeId known = folder.renew(id); known != id && known != kNoNode) {
                graph.forward[id] = known;
                graph.remove(id);
            }
        }
        BasicBlock& of = graph.blocks[block];
        of.a = graph.resolve(of.a);
        of.b = graph.resolve(of.b);
    }
}

void fuse_branches(Graph& graph) {
    for (const BlockId id : graph.order) {
        BasicBlock& block = graph.blocks[id];
        if (block.end != BasicBlock::End::Branch || !graph.is_constant(block.b, 0) ||
            (block.condition != ir::Condition::Equal && block.condition != ir::Condition::NotEqual))
            continue;
        const Node& test = graph.at(block.a);
        if (test.kind != Kind::Operation ||
            (test.opcode != Opcode::Less && test.opcode != Opcode::LessUnsigned))
            continue;
        const bool holds = block.condition == ir::Condition::NotEqual;
        const NodeId a = test.operands[0], b = test.operands[1];
        if (test.opcode == Opcode::LessUnsigned && graph.is_constant(b, 1)) { // seqz
            block.condition = holds ? ir::Condition::Equal : ir::Condition::NotEqual;
            block.a = a;
            continue; // b stays 0
        }
        if (test.opcode == Opcode::LessUnsigned && graph.is_constant(a, 0)) { // snez
            block.a = b;
            continue;
        }
        if (test.opcode == Opcode::Less)
            block.condition = holds ? ir::Condition::Less : ir::Condition::GreaterEqual;
        else
            block.condition = holds ? ir::Condition::LessUnsigned : ir::Condition::GreaterEqualUnsigned;
        block.a = a;
        block.b = b;
    }
}

void hoist_invariants(Graph& graph) {
    for (const BlockId id : graph.order) {
        for (NodeId n = graph.blocks[id].first, next; n != kNoNode; n = next) {
            next = graph.at(n).next;
            if (!is_pure(graph.at(n)))
                continue;
            BlockId block = id;
            while (graph.blocks[block].loop != kNoBlock) {
                const BlockId header = graph.blocks[block].loop;
                bool invariant = true;
                for (const NodeId operand : graph.at(n).operands)
                    invariant =
                        invariant && (operand == kNoNode || !in_loop(graph, graph.at(operand).block, header));
                if (!invariant)
                    break;
                block = graph.blocks[header].dominator;
            }
            if (block == id)
                continue;
            graph.remove(n);
            graph.append(block, n);
        }
    }
}

namespace {

// A guard that is likely to be reached may as well stand at the region's entry: what it looks at does not
// change within.
void move_to_entry(Graph& graph, NodeId guard) {
    const BasicBlock& root = graph.blocks[graph.blocks[0].taken.target];
    if (2 * std::uint64_t{graph.blocks[graph.at(guard).block].weight} < root.weight)
        return;
    graph.remove(guard);
    Node moved;
    moved.kind = Kind::Guard;
    const NodeId at_entry = graph.create(moved);
    if (at_entry != kNoNode)
        graph.append(0, at_entry);
}

} // namespace

void merge_guards(Graph& graph) {
    for (const BlockId block : graph.order)
        for (NodeId n = graph.blocks[block].first, next; n != kNoNode; n = next) {
            next = graph.at(n).next;
            if (block != 0 && graph.at(n).kind == Kind::Guard)
                move_to_entry(graph, n);
        }
    Bounded<NodeId, kMaxBlocks> kept;
    for (const BlockId block : graph.order)
        for (NodeId n = graph.blocks[block].first, next; n != kNoNode; n = next) {
            next = graph.at(n).next;
            if (graph.at(n).kind != Kind::Guard)
                continue;
            bool known = false;
            for (const NodeId other : kept)
                known = known || graph.dominates(graph.at(other).block, block);
            if (known)
                graph.remove(n);
            else
                kept.push(n);
        }
}

void remove_dead(Graph& graph) {
    std::array<bool, kMaxNodes>& live = graph.marks;
    Bounded<NodeId, kMaxNodes>& work = graph.work;
    std::fill_n(live.begin(), graph.nodes.size(), false);
    work.clear();
    const auto mark = [&](NodeId id) {
        if (id == kNoNode)
            return;
        id = graph.resolve(id);
        if (!live[id]) {
            live[id] = true;
            work.push(id);
        }
    };
    for (const BlockId id : graph.order) {
        for (NodeId n = graph.blocks[id].first; n != kNoNode; n = graph.at(n).next) {
            const Node& node = graph.at(n);
            const bool pure = is_pure(node) || node.kind == Kind::Phi || node.kind == Kind::Extent;
            // Once it has a probe, a load that nobody looks at is nothing.
            const bool load =
                node.kind == Kind::Operation &&
                ((node.opcode == Opcode::Load && node.operands[1] != kNoNode) || node.opcode == Opcode::Get);
            if (!pure && !load)
                mark(n);
        }
        for_each_end_operand(graph.blocks[id], mark);
        for_each_exit_value(graph, id, 0, [&](NodeId value, NodeId) { mark(value); });
    }
    while (!work.empty()) {
        const NodeId id = work[work.size() - 1];
        work.resize(work.size() - 1);
        const Node& node = graph.at(id);
        for (const NodeId operand : node.operands)
            mark(operand);
        if (node.kind == Kind::Phi)
            for (unsigned p = 0; p < graph.blocks[node.block].predecessor_count; ++p)
                mark(graph.phis[node.phi].values[p]);
    }
    for (const BlockId block : graph.order)
        for (NodeId n = graph.blocks[block].first, next; n != kNoNode; n = next) {
            next = graph.at(n).next;
            if (!live[n])
                graph.remove(n);
        }
}

void sink_into_exits(Graph& graph) {
    std::array<std::uint16_t, kMaxNodes>& uses = graph.counts;
    uses.fill(0);
    const auto count = [&](NodeId id) {
        if (id != kNoNode)
            ++uses[graph.resolve(id)];
    };
    for (const BlockId id : graph.order) {
        const BasicBlock& block = graph.blocks[id];
        for_each_end_operand(block, count);
        for (NodeId n = block.first; n != kNoNode; n = graph.at(n).next) {
            const Node& node = graph.at(n);
            for (const NodeId operand : node.operands)
                count(operand);
            if (node.kind == Kind::Phi)
                for (unsigned p = 0; p < block.predecessor_count; ++p)
                    count(graph.phis[node.phi].values[p]);
        }
    }
    for (std::size_t o = graph.order.size(); o-- > 0;)
        for (NodeId n = graph.blocks[graph.order[o]].last; n != kNoNode; n = graph.at(n).previous) {
            Node& node = graph.at(n);
            if (!is_pure(node) || node.opcode == Opcode::Constant || node.opcode == Opcode::PcRelative ||
                uses[n] != 0 || node.type == ir::Type::Float)
                continue;
            // One value in place of another; more would have to be kept for it.
            unsigned values = 0;
            for (const NodeId operand : node.operands)
                if (operand != kNoNode && !graph.is_constant(operand) &&
                    !graph.is_operation(operand, Opcode::PcRelative) && uses[operand] <= 1)
                    ++values;
            if (values > 1)
                continue;
            node.sunk = true;
            for (const NodeId operand : node.operands)
                if (operand != kNoNode)
                    --uses[operand];
        }
}

namespace {

// Whether `user` looks at more of its operand `index` than the low half.
bool demands_upper(const Graph& graph, const Node& user, unsigned index) {
    if (user.kind != Kind::Operation)
        return true;
    const auto constant_operand = [&](std::int64_t least) {
        return graph.is_constant(user.operands[1]) && (graph.nodes[user.operands[1]].immediate & 63) >= least;
    };
    switch (user.opcode) {
    case Opcode::AddWord:
    case Opcode::SubtractWord:
    case Opcode::MultiplyWord:
    case Opcode::ShiftLeftWord:
    case Opcode::ShiftRightWord:
    case Opcode::ShiftRightSignedWord:
    case Opcode::RotateLeftWord:
    case Opcode::RotateRightWord:
    case Opcode::DivideWord:
    case Opcode::DivideUnsignedWord:
    case Opcode::RemainderWord:
    case Opcode::RemainderUnsignedWord:
    case Opcode::SignExtend8:
    case Opcode::SignExtend16:
    case Opcode::ZeroExtend16:
    case Opcode::CountLeadingZerosWord:
    case Opcode::CountTrailingZerosWord:
    case Opcode::PopulationCountWord: return false;
    case Opcode::AddUnsignedWord:
    case Opcode::ShiftAdd1UnsignedWord:
    case Opcode::ShiftAdd2UnsignedWord:
    case Opcode::ShiftAdd3UnsignedWord:
    case Opcode::ShiftLeftUnsignedWord: return index != 0;
    case Opcode::ShiftLeft: return index == 0 && !constant_operand(32);
    case Opcode::ShiftRight:
    case Opcode::ShiftRightSigned:
    case Opcode::RotateLeft:
    case Opcode::RotateRight: return index == 0;
    // These are done on 32 bits when the result is a word and its upper half does not matter.
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor: return !user.is_word || user.needs_upper;
    case Opcode::Store:
    case Opcode::StoreConditional:
    case Opcode::Atomic: return index != 1 || user.width == 8;
    case Opcode::Less:
    case Opcode::LessUnsigned:
        return !(graph.nodes[user.operands[0]].is_word && graph.nodes[user.operands[1]].is_word);
    default: return true;
    }
}

} // namespace

void find_demanded(Graph& graph) {
    for (Node& node : graph.nodes)
        node.needs_upper = false;
    // Nodes that pass the demand on to their operands, and did not have it yet when they were visited.
    Bounded<NodeId, kMaxNodes>& work = graph.work;
    work.clear();
    const auto demand = [&](NodeId id) {
        if (id == kNoNode)
            return;
        id = graph.resolve(id);
        Node& node = graph.at(id);
        if (!node.needs_upper && node.block != kNoBlock)
            work.push(id);
        node.needs_upper = true;
    };
    const auto visit = [&](const Node& node) {
        if (node.kind == Kind::Phi) {
            if (node.needs_upper || !node.is_word)
                for (unsigned p = 0; p < graph.blocks[node.block].predecessor_count; ++p)
                    demand(graph.phis[node.phi].values[p]);
            return;
        }
        for (unsigned i = 0; i < 3; ++i)
            if (node.operands[i] != kNoNode && demands_upper(graph, node, i))
                demand(node.operands[i]);
    };
    for (std::size_t o = graph.order.size(); o-- > 0;) {
        const BasicBlock& block = graph.blocks[graph.order[o]];
        if (block.end == BasicBlock::End::Indirect || block.end == BasicBlock::End::Dispatch ||
            (block.end == BasicBlock::End::Branch &&
             !(graph.at(block.a).is_word && graph.at(block.b).is_word)))
            for_each_end_operand(block, demand);
        for (NodeId n = block.last; n != kNoNode; n = graph.at(n).previous)
            visit(graph.at(n));
    }
    while (!work.empty()) {
        const NodeId id = work[work.size() - 1];
        work.resize(work.size() - 1);
        visit(graph.at(id));
    }
}

// A block takes over what is due on the likeliest way to it; the other ways charge the difference.
void plan_charges(Graph& graph) {
    for (const BlockId id : graph.order) {
        BasicBlock& block = graph.blocks[id];
        block.pending = 0;
        if (id == 0)
            continue;
        std::uint32_t best = 0;
        for (unsigned p = 0; p < block.predecessor_count; ++p) {
            const BasicBlock& from = graph.blocks[block.predecessors[p]];
            const bool backward = (from.taken.target == id && from.taken.backward) ||
                                  (from.not_taken.target == id && from.not_taken.backward);
            if (backward || from.order >= block.order || from.weight <= best)
                continue;
            best = from.weight;
            block.pending = static_cast<std::uint16_t>(from.pending + from.guest_instructions);
        }
    }
}

} // namespace ashlar::jit::optimizer
