// The passes between building a graph and allocating registers. Each keeps the graph's meaning; the tests
// run regions with and without each of them.
#pragma once

#include "jit/optimizer/fold.h"

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
// Gives every load and store the probe that makes it safe, sharing them and moving them out of loops.
// Without `share`, each has its own where it stands.
void insert_probes(Graph& graph, bool share);
// Drops repeated guards of floating point.
void merge_guards(Graph& graph);
// Drops what nothing needs.
void remove_dead(Graph& graph);
// Finds out whose upper half matters (Node::needs_upper).
void find_demanded(Graph& graph);
// Guest instructions that are not charged yet where each block begins (BasicBlock::pending).
void plan_charges(Graph& graph);

// Calls visit(block, set_count) for every place where the guest's state must be known.
template <class Visit>
void for_each_state(Graph& graph, Visit visit) {
    for (const BlockId id : graph.order) {
        const BasicBlock& block = graph.blocks[id];
        for (NodeId n = block.first; n != kNoNode; n = graph.at(n).next)
            if (exits(graph.at(n)))
                visit(id, graph.at(n).sets);
        const bool leaves = block.end == BasicBlock::End::Indirect || block.taken.target == kNoBlock ||
                            block.taken.backward ||
                            (block.end == BasicBlock::End::Branch &&
                             (block.not_taken.target == kNoBlock || block.not_taken.backward));
        if (leaves)
            visit(id, block.set_count);
    }
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
