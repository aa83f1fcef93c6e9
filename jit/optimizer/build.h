// From blocks of IR to the SSA graph of a region.
#pragma once

#include "jit/optimizer/fold.h"
#include "jit/optimizer/source.h"

namespace ashlar::jit::optimizer {

// Whether a backend can carry out the IR instruction within a region. Where it cannot, the region is left
// before the guest instruction.
using Supports = bool (*)(const ir::Instruction&);

// False when the region is too big. `graph` and `folder` belong together.
bool build(const RegionSource& source, Supports supports, Graph& graph, Folder& folder);

} // namespace ashlar::jit::optimizer
