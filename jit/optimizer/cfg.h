// Order, dominators and loops of a graph's blocks.
#pragma once

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

// Fills predecessors, order, dominator, loop, depth and weight of every block from the edges. False when a
// block has too many predecessors.
bool analyze_control_flow(Graph& graph);

// The block from which alone the loop of `header` is entered, kNoBlock when there are several, or when an
// exit at its end could not say where the guest is.
BlockId loop_entry(const Graph& graph, BlockId header);
bool in_loop(const Graph& graph, BlockId block, BlockId header);
// Where a check of `address` that is needed in `block` may stand: there, or at the end of a block before the
// loops that do not change the address and mostly come by.
BlockId home_of_check(Graph& graph, NodeId address, BlockId block);
// Makes an exit of `node` one at the end of the block: where the guest is then.
void place_at_end(const Graph& graph, BlockId block, Node& node);

} // namespace ashlar::jit::optimizer
