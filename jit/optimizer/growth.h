// Addresses that grow slowly while a loop runs.
#pragma once

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

// What the phi `address` of a loop is where the loop is entered, if in each turn it then grows by 0 to
// kMaxStride and most turns pass `block`, all that go on; else kNoNode. `entry` is where the loop is entered
// from.
NodeId initial_of_growing(Graph& graph, NodeId address, BlockId block, BlockId& entry);

} // namespace ashlar::jit::optimizer
