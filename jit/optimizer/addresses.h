// Addresses of loads and stores, and what else looks at them.
#pragma once

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

class Addresses {
public:
    explicit Addresses(Graph& graph) : graph_(graph) {}

    // base + (index << scale), as the host's addressing modes can compute it.
    struct Sum {
        NodeId base = kNoNode, index = kNoNode;
        std::uint8_t scale = 0;
    };

    // Before the first access has its probe.
    void count_uses();
    // The sum that `address` is, if nothing but accesses and exits looks at it, so that it need not be
    // computed by itself. Else no base.
    Sum sum(NodeId address) const;

private:
    std::int64_t scale_of(NodeId id) const;

    Graph& graph_;
    std::array<std::uint16_t, kMaxNodes> uses_{}; // other than as an address and by exits
};

} // namespace ashlar::jit::optimizer
