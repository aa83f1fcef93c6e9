// Makes a topology of what a firmware's tables say, in any order and however wrong.
#pragma once

#include "kernel/numa_topology.h"
#include "lib/format.h"

namespace ashlar::kernel {

// Domains become nodes in the order of their numbers. What the tables say wrongly is put right in a way that
// loses no memory, with a line to `diagnostics` each.
class NumaBuilder {
public:
    // The topology is the one of a machine without tables so far.
    NumaBuilder(NumaTopology& topology, Sink& diagnostics) : topology_(topology), diagnostics_(diagnostics) {}

    // All of these before finish(). The range is not empty and does not wrap.
    void add_memory(PhysicalAddress base, std::uint64_t size, std::uint32_t domain);
    // Memory that may be plugged in there later belongs to the domain as well. We would not notice.
    void add_hot_pluggable(PhysicalAddress base, std::uint64_t size, std::uint32_t domain);
    void add_cpu(std::uint32_t domain, bool is_boot_cpu);
    // A CPU that the tables give no domain.
    void add_stray_cpu() {
        ++stray_cpus_;
        ++cpus_elsewhere_;
    }

    // Sorts ranges and nodes. Nothing has happened when no memory was added: one node is left.
    void finish();
    // After that: the distance from one domain to another, in any order; ones not set are the same as back,
    // or those of a machine without tables. Then finish_distances(), also when none was set.
    void set_distance(std::uint32_t from_domain, std::uint32_t to_domain, std::uint32_t distance);
    void finish_distances();

private:
    struct Domain {
        std::uint32_t number;
        std::uint32_t cpus;
    };

    Domain* domain_of(std::uint32_t number);
    NodeId node_of_domain(std::uint32_t number) const;
    void sort_ranges();
    void settle_overlaps();

    NumaTopology& topology_;
    Sink& diagnostics_;
    std::array<Domain, kMaxNodes> domains_{}; // ascending
    std::size_t domain_count_ = 0;
    std::size_t ranges_dropped_ = 0, stray_cpus_ = 0, folded_ = 0;
    std::uint32_t cpus_elsewhere_ = 0; // that count as node 0's
    bool has_boot_cpu_ = false;
    std::uint32_t boot_cpu_domain_ = 0;
    bool distances_told_ = false, distances_broken_ = false;
};

} // namespace ashlar::kernel
