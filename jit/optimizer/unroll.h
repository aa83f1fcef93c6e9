// Small loops, several turns in a row.
#pragma once

#include "jit/optimizer/source.h"

namespace ashlar::jit::optimizer {

// Repeats the blocks of small innermost loops, so that several turns share a look at the budget, moves and
// checks of addresses that differ by a constant. `blocks`: that the graph has room for beside those there
// are.
void unroll_loops(RegionSource& source, std::size_t blocks);

} // namespace ashlar::jit::optimizer
