// Where a VM's memory comes from, as its configuration says.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/node.h"

namespace ashlar::kernel {

struct MemoryPolicy {
    enum class Kind : std::uint8_t {
        Local,      // the node that the VM lives on, then others by distance
        Preferred,  // one node, then others by distance
        Interleave, // some nodes by turns, then others by distance
        Bind,       // some nodes and no other
    };

    Kind kind = Kind::Local;
    // Of Preferred exactly one; of Interleave and Bind those to use, all when it is empty.
    NodeSet nodes;
    // Interleave: how many frames of a node for how many of another. Of nodes that are not named, 1.
    std::array<std::uint8_t, kMaxNodes> weights = ones();

    static constexpr std::array<std::uint8_t, kMaxNodes> ones() {
        std::array<std::uint8_t, kMaxNodes> weights;
        weights.fill(1);
        return weights;
    }
};

constexpr const char* to_string(MemoryPolicy::Kind kind) {
    switch (kind) {
    case MemoryPolicy::Kind::Local: return "local";
    case MemoryPolicy::Kind::Preferred: return "preferred";
    case MemoryPolicy::Kind::Interleave: return "interleave";
    case MemoryPolicy::Kind::Bind: return "bind";
    }
    return "unknown";
}

} // namespace ashlar::kernel
