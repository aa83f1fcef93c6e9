// A jump to one of several likely addresses: a tree of comparisons that leads to them.
#pragma once

#include <span>

#include "jit/optimizer/fold.h"

namespace ashlar::jit::optimizer {

struct LikelyTarget {
    BlockId block;
    std::int32_t pc; // relative to the region's start, different for each
    std::uint32_t weight;
};

// The blocks that a dispatch consists of: `count` from `first`.
struct Dispatch {
    BlockId first = kNoBlock, count = 0;
};

// Makes the block `from` end with a dispatch to `targets`, of which there are at least two; they are put in
// order. What the blocks compare is not known yet. The graph overflows when it has no room.
Dispatch lay_out_dispatch(Graph& graph, BlockId from, std::span<LikelyTarget> targets);
// Has them compare: `from`, in which the folder works, jumps to the address.
void complete_dispatch(Graph& graph, Folder& folder, BlockId from, const Dispatch& dispatch, NodeId address);

} // namespace ashlar::jit::optimizer
