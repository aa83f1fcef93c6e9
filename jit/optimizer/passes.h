// The passes between building a graph and allocating registers. Each keeps the graph's meaning; the tests
// run regions with and without each of them.
#pragma once

#include "jit/optimizer/fold.h"
#include "jit/optimizer/source.h"

namespace ashlar::jit::optimizer {

// Replaces phis that merge one value by it.
void simplify_phis(Graph& graph);
// Finds out which phis are words (Node::is_word).
void find_words(Graph& graph);
// Value numbering once more, now that phis are known.
void renumber(Graph& graph, Folder& folder);
// Branches on the result of a comparison become branches on the comparison.
void fuse_branches(Graph& graph);
// Moves pure operations whose operands a loop does not change before it.
void hoist_invariants(Graph& graph);
// Gives loads and stores that are expected to stay in long extents checks against those extents' bounds.
void insert_extents(Graph& graph, const RegionSource& source);
// Gives every other load and store the probe that makes it safe, sharing them and moving them out of loops.
// Without `share`, each has its own where it stands.
void insert_probes(Graph& graph, bool share);
// Drops repeated guards of floating point.
void merge_guards(Graph& graph);
// Drops what does not leave, and what does not because it has not before (Kind::LeaveIf).
void merge_leaves(Graph& graph);
// Finds atomic accesses whose alignment another has made sure of (Node::aligned). Before insert_probes().
void merge_alignments(Graph& graph);
// Finds store-conditionals of which it is known what is reserved (Node::reserved). Before insert_probes().
void pair_reservations(Graph& graph);
// What only exits look at is left for them to compute.
void sink_into_exits(Graph& graph);
// Finds floating-point values of which it does not matter before exits which NaN they are (Node::late).
void delay_nans(Graph& graph);
// Whether `user` looks at which NaN its operand `value` is.
bool sees_nan(const Node& user, const Node& value);
// Finds singles of which it does not matter whether they are NaN-boxed (Node::unboxed).
void delay_boxes(Graph& graph);
// Whether `user` looks at the upper half of a single, or keeps it.
bool sees_box(const Node& user);
// Drops what nothing needs.
void remove_dead(Graph& graph);
// Finds out whose upper half matters (Node::needs_upper).
void find_demanded(Graph& graph);
// Guest instructions that are not charged yet where each block begins (BasicBlock::pending).
void plan_charges(Graph& graph);

// Whether the node is an access that nothing vouches for yet.
inline bool is_unprotected(const Graph& graph, NodeId id) {
    const Node& node = graph.nodes[id];
    return accesses_memory(node) && node.operands[probe_operand(node)] == kNoNode;
}

// Whether the region may be left where the block ends.
constexpr bool leaves_at_end(const BasicBlock& block) {
    return block.end == BasicBlock::End::Indirect || block.taken.target == kNoBlock || block.taken.backward ||
           (block.end == BasicBlock::End::Branch &&
            (block.not_taken.target == kNoBlock || block.not_taken.backward));
}

// Calls use(value, last) for the values of slots that the block's exits look at, as Graph::for_each_changed
// gives them. `last` is the node that is the last to leave with it, kNoNode for the block's end. A value is
// given once for each time that it was put into a slot, not for each exit.
template <class Use>
void for_each_exit_value(Graph& graph, BlockId id, std::uint64_t always, Use use) {
    const BasicBlock& block = graph.blocks[id];
    const std::uint64_t slots = (graph.changed_slots | always) & ~std::uint64_t{1};
    std::array<NodeId, kValueSlots> values;
    std::uint64_t changed = always & ~std::uint64_t{1}; // slots that exits look at now
    const auto put = [&](unsigned slot, NodeId node) {
        values[slot] = graph.resolve(node);
        const std::uint64_t bit = std::uint64_t{1} << slot;
        changed = values[slot] != graph.entries[slot] ? changed | bit : changed & (~bit | always);
    };
    for_each_bit(slots, [&](unsigned slot) { put(slot, block.entry[slot]); });
    NodeId last = kNoNode;
    std::uint64_t seen = 0; // slots whose values are as they were at `last`
    unsigned sets = 0;
    const auto advance = [&](unsigned to) {
        for (; sets < to; ++sets) {
            const StateSet& set = graph.sets[block.first_set + sets];
            const std::uint64_t bit = std::uint64_t{1} << set.slot;
            if ((seen & changed & bit) != 0)
                use(values[set.slot], last);
            seen &= ~bit;
            put(set.slot, set.node);
        }
    };
    for (NodeId n = block.first; n != kNoNode; n = graph.at(n).next) {
        const Node& node = graph.at(n);
        if (!exits(node))
            continue;
        if (node.sets < sets) { // a node that was moved
            graph.for_each_changed(id, node.sets, always, [&](unsigned, NodeId value) { use(value, n); });
            continue;
        }
        advance(node.sets);
        last = n;
        seen = ~std::uint64_t{0};
    }
    if (leaves_at_end(block)) {
        advance(block.set_count);
        last = kNoNode;
        seen = ~std::uint64_t{0};
    }
    for_each_bit(seen & changed, [&](unsigned slot) { use(values[slot], last); });
}

// Nodes that a block's end looks at.
template <class Visit>
void for_each_end_operand(const BasicBlock& block, Visit visit) {
    if (block.end == BasicBlock::End::Jump)
        return;
    visit(block.a);
    if (block.end == BasicBlock::End::Branch)
        visit(block.b);
}

} // namespace ashlar::jit::optimizer
