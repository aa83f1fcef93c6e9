#include "arch/x86_64/boot/numa.h"

namespace ashlar::arch {
namespace {

using kernel::NodeId;
using kernel::NumaTopology;

// The node of a proximity domain, created when it is new; node 0 when there are too many.
NodeId node_of_domain(NumaTopology& topology, std::uint32_t domain) {
    for (std::size_t node = 0; node < topology.node_count; ++node)
        if (topology.domains[node] == domain)
            return static_cast<NodeId>(node);
    if (topology.node_count == kernel::kMaxNodes)
        return 0;
    topology.domains[topology.node_count] = domain;
    return static_cast<NodeId>(topology.node_count++);
}

} // namespace

void fill_numa(const acpi::Tables& tables, kernel::BootInformation& boot) {
    NumaTopology& topology = boot.numa;
    boot.cpu_count = 0;
    for (const acpi::Cpu& cpu : tables.cpus)
        boot.cpu_count += cpu.enabled ? 1 : 0;
    if (boot.cpu_count == 0)
        boot.cpu_count = 1;
    topology.cpus[0] = boot.cpu_count;
    if (tables.memory_affinity.count == 0)
        return;
    topology.node_count = 0;
    topology.cpus[0] = 0;
    for (const acpi::MemoryAffinity& memory : tables.memory_affinity) {
        if (topology.range_count == NumaTopology::kMaxRanges)
            break;
        topology.ranges[topology.range_count++] = {memory.base, memory.size,
                                                   node_of_domain(topology, memory.domain)};
    }
    for (const acpi::CpuAffinity& cpu : tables.cpu_affinity)
        for (const acpi::Cpu& known : tables.cpus)
            if (known.enabled && known.apic_id == cpu.apic_id)
                ++topology.cpus[node_of_domain(topology, cpu.domain)];
    for (std::size_t from = 0; from < topology.node_count; ++from)
        for (std::size_t to = 0; to < topology.node_count; ++to) {
            const std::uint32_t row = topology.domains[from], column = topology.domains[to];
            const bool told = tables.has_slit && row < tables.localities && column < tables.localities;
            topology.distance[from][to] = told         ? tables.distance[row][column]
                                          : from == to ? NumaTopology::kLocalDistance
                                                       : NumaTopology::kRemoteDistance;
        }
}

} // namespace ashlar::arch
