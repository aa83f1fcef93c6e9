// NUMA nodes and sets of them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "lib/assert.h"

namespace ashlar::kernel {

// From 0 on, in the order of the firmware's domains.
using NodeId = std::uint32_t;
constexpr std::size_t kMaxNodes = 64;
// In a wish for memory: the node of the CPU that asks.
constexpr NodeId kAnyNode = ~NodeId{0};

class NodeSet {
public:
    constexpr NodeSet() = default;
    static constexpr NodeSet of(NodeId node) {
        NodeSet set;
        set.add(node);
        return set;
    }
    static constexpr NodeSet all() { return NodeSet(~std::uint64_t{0}); }
    // Nodes 0 to `count` - 1.
    static constexpr NodeSet first(std::size_t count) {
        return NodeSet(count >= kMaxNodes ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1);
    }

    constexpr void add(NodeId node) {
        ASHLAR_ASSERT(node < kMaxNodes);
        bits_ |= std::uint64_t{1} << node;
    }
    constexpr bool contains(NodeId node) const { return node < kMaxNodes && (bits_ >> node & 1) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr unsigned count() const { return static_cast<unsigned>(std::popcount(bits_)); }
    // The lowest, of a set that is not empty.
    constexpr NodeId lowest() const { return static_cast<NodeId>(std::countr_zero(bits_)); }
    constexpr NodeSet operator&(NodeSet other) const { return NodeSet(bits_ & other.bits_); }
    constexpr NodeSet without(NodeSet other) const { return NodeSet(bits_ & ~other.bits_); }
    constexpr bool operator==(const NodeSet&) const = default;

private:
    constexpr explicit NodeSet(std::uint64_t bits) : bits_(bits) {}
    std::uint64_t bits_ = 0;
};

} // namespace ashlar::kernel
