// Which node the next block of an owner's memory comes from.
#pragma once

#include "kernel/frame_allocator.h"
#include "kernel/memory_policy.h"

namespace ashlar::kernel {

// A policy at work for one owner. Not synchronized.
class Placement {
public:
    // Local to whatever CPU asks.
    Placement() = default;
    // For an owner that lives on node `home`. The nodes are the machine's; a policy that names others is
    // refused before.
    Placement(const MemoryPolicy& policy, NodeId home) : policy_(policy), home_(home) {}

    // Nodes to try one after the other for the next block of 2^order frames: `rank` counts from 0; false
    // after the last.
    bool candidate(const FrameAllocator& frames, unsigned order, unsigned rank, NodeWish& wish) const;
    // The node that a block came from.
    void took(NodeId node, unsigned order) { taken_[node] += std::uint64_t{1} << order; }

    // Blocks larger than this would defeat the policy.
    unsigned largest_order() const;
    // For page tables and the like: on the home node, or where the policy allows.
    Placement for_tables() const;
    // The nodes that the policy allows, of a machine with so many.
    NodeSet allowed(unsigned node_count) const;

    NodeId home() const { return home_; }
    const MemoryPolicy& policy() const { return policy_; }

private:
    NodeId turn(unsigned node_count, unsigned order, unsigned rank) const;
    NodeSet spread(unsigned node_count) const;

    MemoryPolicy policy_;
    NodeId home_ = kAnyNode;
    std::array<std::uint64_t, kMaxNodes> taken_{}; // frames, to keep the weights
};

} // namespace ashlar::kernel
