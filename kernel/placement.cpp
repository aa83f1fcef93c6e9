#include "kernel/placement.h"

#include "lib/assert.h"

namespace ashlar::kernel {
namespace {

using Kind = MemoryPolicy::Kind;

constexpr unsigned kOrder2M = 9;

// The node of this rank among `nodes`, the nearest to `from` first; false after the last.
bool nearest_of(const FrameAllocator& frames, NodeId from, NodeSet nodes, unsigned rank, NodeId& node) {
    for (unsigned i = 0; i < frames.node_count(); ++i) {
        node = frames.nearest(from, i);
        if (nodes.contains(node) && rank-- == 0)
            return true;
    }
    return false;
}

} // namespace

NodeSet Placement::spread(unsigned node_count) const {
    const NodeSet machine = NodeSet::first(node_count);
    return policy_.nodes.empty() ? machine : policy_.nodes & machine;
}

NodeSet Placement::allowed(unsigned node_count) const {
    return policy_.kind == Kind::Bind ? spread(node_count) : NodeSet::first(node_count);
}

unsigned Placement::largest_order() const {
    return policy_.kind == Kind::Interleave ? kOrder2M : kMaxOrder;
}

Placement Placement::for_tables() const {
    if (policy_.kind == Kind::Bind)
        return *this;
    return Placement({}, home_);
}

// By their turns: the node that is furthest behind its weight first.
NodeId Placement::turn(unsigned node_count, unsigned order, unsigned rank) const {
    NodeSet left = spread(node_count);
    const std::uint64_t frames = std::uint64_t{1} << order;
    for (;; --rank) {
        NodeId best = left.lowest();
        for (NodeId node = best + 1; node < node_count; ++node) {
            const std::uint64_t ours = (taken_[node] + frames) * policy_.weights[best];
            const std::uint64_t theirs = (taken_[best] + frames) * policy_.weights[node];
            if (left.contains(node) && ours < theirs)
                best = node;
        }
        if (rank == 0)
            return best;
        left = left.without(NodeSet::of(best));
    }
}

bool Placement::candidate(const FrameAllocator& frames, unsigned order, unsigned rank, NodeWish& wish) const {
    wish = {};
    if (home_ == kAnyNode) // the allocator knows the CPU's node and what is near it
        return rank == 0;
    wish.others = {};
    wish.hit = rank == 0 ? Hit::Local : Hit::Remote;
    const unsigned node_count = frames.node_count();
    const NodeSet machine = NodeSet::first(node_count);
    switch (policy_.kind) {
    case Kind::Local: return nearest_of(frames, home_, machine, rank, wish.node);
    case Kind::Preferred: return nearest_of(frames, policy_.nodes.lowest(), machine, rank, wish.node);
    case Kind::Bind: return nearest_of(frames, home_, spread(node_count), rank, wish.node);
    case Kind::Interleave: break;
    }
    const NodeSet turns = spread(node_count);
    if (rank >= turns.count())
        return nearest_of(frames, home_, machine.without(turns), rank - turns.count(), wish.node);
    wish.node = turn(node_count, order, rank);
    wish.hit = rank == 0 ? Hit::Interleaved : Hit::Remote;
    return true;
}

} // namespace ashlar::kernel
