// Which memory and which CPUs lie near each other, as the firmware says.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/node.h"
#include "lib/address.h"

namespace ashlar::kernel {

struct NumaTopology {
    static constexpr std::size_t kMaxRanges = 256;
    // 10 is a node's distance to itself, 20 takes twice as long.
    static constexpr std::uint8_t kLocalDistance = 10, kRemoteDistance = 20;

    struct Range {
        PhysicalAddress base;
        std::uint64_t size;
        NodeId node;
    };

    // Without tables: one node that owns everything.
    std::size_t node_count = 1;
    std::array<std::uint32_t, kMaxNodes> domains{}; // the firmware's names of the nodes
    std::array<Range, kMaxRanges> ranges{};
    std::size_t range_count = 0;
    std::array<std::array<std::uint8_t, kMaxNodes>, kMaxNodes> distance{{{kLocalDistance}}};
    std::array<std::uint32_t, kMaxNodes> cpus{{1}}; // enabled CPUs per node
    NodeId boot_cpu_node = 0;

    // The range that has an address; nullptr when none has.
    const Range* range_of(PhysicalAddress address) const {
        for (std::size_t i = 0; i < range_count; ++i)
            if (address - ranges[i].base < ranges[i].size)
                return &ranges[i];
        return nullptr;
    }
    // The node of an address; node 0 when no range has it.
    NodeId node_of(PhysicalAddress address) const {
        const Range* const range = range_of(address);
        return range != nullptr ? range->node : 0;
    }
};

} // namespace ashlar::kernel
