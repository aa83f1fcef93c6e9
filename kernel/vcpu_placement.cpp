#include "kernel/vcpu_placement.h"

#include <algorithm>
#include <tuple>

#include "lib/assert.h"

namespace ashlar::kernel {
namespace {

unsigned distance_to_cpu(const FrameAllocator& frames, std::span<const CpuInUse> cpus, NodeId node) {
    unsigned nearest = ~0u;
    for (const CpuInUse& cpu : cpus)
        nearest = std::min(nearest, frames.distance(cpu.node, node));
    return nearest;
}

} // namespace

NodeId choose_home(const FrameAllocator& frames, std::span<const CpuInUse> cpus, const MemoryPolicy& policy,
                   std::optional<NodeId> wanted) {
    if (wanted)
        return *wanted;
    if (policy.kind == MemoryPolicy::Kind::Preferred)
        return policy.nodes.lowest();
    NodeSet nodes = NodeSet::first(frames.node_count());
    if (policy.kind != MemoryPolicy::Kind::Local && !policy.nodes.empty())
        nodes = nodes & policy.nodes;
    const auto rank = [&](NodeId node) {
        return std::tuple(distance_to_cpu(frames, cpus, node), ~frames.statistics(node).free_frames);
    };
    NodeId best = nodes.lowest();
    for (NodeId node = best + 1; node < frames.node_count(); ++node)
        if (nodes.contains(node) && rank(node) < rank(best))
            best = node;
    return best;
}

unsigned mean_distance(const FrameAllocator& frames, NodeId node, const FramesByNode& memory) {
    std::uint64_t total = 0, weighted = 0;
    for (NodeId other = 0; other < frames.node_count(); ++other) {
        total += memory[other];
        weighted += memory[other] * frames.distance(node, other);
    }
    return total == 0 ? 0 : static_cast<unsigned>(10 * weighted / total);
}

void place_vcpus(const FrameAllocator& frames, std::span<const CpuInUse> cpus, const FramesByNode& memory,
                 std::span<unsigned> chosen) {
    ASHLAR_ASSERT(!cpus.empty());
    for (std::size_t vcpu = 0; vcpu < chosen.size(); ++vcpu) {
        const auto before = chosen.first(vcpu);
        const auto rank = [&](unsigned cpu) {
            const auto ours = std::count(before.begin(), before.end(), cpu);
            return std::tuple(mean_distance(frames, cpus[cpu].node, memory), ours, cpus[cpu].vcpus + ours);
        };
        unsigned best = 0;
        for (unsigned cpu = 1; cpu < cpus.size(); ++cpu)
            if (rank(cpu) < rank(best))
                best = cpu;
        chosen[vcpu] = best;
    }
}

} // namespace ashlar::kernel
