// Order, dominators and loops of a graph's blocks.
#pragma once

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

// Fills predecessors, order, dominator, loop, depth and weight of every block from the edges. False when a
// block has too many predecessors.
bool analyze_control_flow(Graph& graph);

// The block from which alone the loop of `header` is entered, kNoBlock when there are several.
BlockId loop_entry(const Graph& graph, BlockId header);
bool in_loop(const Graph& graph, BlockId block, BlockId header);

} // namespace ashlar::jit::optimizer
