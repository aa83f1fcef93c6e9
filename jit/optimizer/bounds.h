// Upper bounds of unsigned values, as far as the operations that compute them tell.
#pragma once

#include <cstdint>

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

constexpr std::uint64_t kUnbounded = ~std::uint64_t{0};

// The value of `id`, a node of type Integer, is never above it.
std::uint64_t bound_of(Graph& graph, NodeId id);

} // namespace ashlar::jit::optimizer
