// Which node a VM lives on, and which CPUs run its virtual CPUs: near its memory.
#pragma once

#include <optional>
#include <span>

#include "kernel/frame_allocator.h"
#include "kernel/memory_policy.h"

namespace ashlar::kernel {

// A CPU that runs VMs.
struct CpuInUse {
    NodeId node = 0;
    unsigned vcpus = 0; // that it runs already
};

// The node that a VM of this policy lives on: `wanted` if its configuration says, else the preferred one,
// else of the nodes that it may have memory from one near a CPU in use, with the most free memory of those.
NodeId choose_home(const FrameAllocator& frames, std::span<const CpuInUse> cpus, const MemoryPolicy& policy,
                   std::optional<NodeId> wanted);

// Tenths of the distance that an access from `node` to a VM's memory has on the average, all frames being
// used alike; 100 when all are local, 0 without memory.
unsigned mean_distance(const FrameAllocator& frames, NodeId node, const FramesByNode& memory);

// Chooses a CPU (an index of `cpus`) for each virtual CPU of a VM: nearest to its memory, and of those the
// one with fewest of this VM's, then with fewest virtual CPUs at all. `cpus` is not empty.
void place_vcpus(const FrameAllocator& frames, std::span<const CpuInUse> cpus, const FramesByNode& memory,
                 std::span<unsigned> chosen);

} // namespace ashlar::kernel
