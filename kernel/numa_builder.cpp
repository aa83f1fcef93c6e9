#include "kernel/numa_builder.h"

#include <algorithm>

namespace ashlar::kernel {
namespace {

// Of a distance that is not set; no distance is that short.
constexpr std::uint8_t kUnset = 0;

} // namespace

// Null when there are too many.
NumaBuilder::Domain* NumaBuilder::domain_of(std::uint32_t number) {
    Domain* const end = domains_.data() + domain_count_;
    Domain* const found = std::lower_bound(domains_.data(), end, number,
                                           [](const Domain& d, std::uint32_t n) { return d.number < n; });
    if (found != end && found->number == number)
        return found;
    if (domain_count_ == kMaxNodes)
        return nullptr;
    std::move_backward(found, end, end + 1);
    ++domain_count_;
    *found = {number, 0};
    return found;
}

NodeId NumaBuilder::node_of_domain(std::uint32_t number) const {
    for (std::size_t node = 0; node < domain_count_; ++node)
        if (domains_[node].number == number)
            return static_cast<NodeId>(node);
    return 0;
}

void NumaBuilder::add_memory(PhysicalAddress base, std::uint64_t size, std::uint32_t domain) {
    if (domain_of(domain) == nullptr)
        ++folded_;
    if (topology_.range_count == NumaTopology::kMaxRanges)
        ++ranges_dropped_;
    else // the domain until finish()
        topology_.ranges[topology_.range_count++] = {base, size, domain};
}

void NumaBuilder::add_hot_pluggable(PhysicalAddress base, std::uint64_t size, std::uint32_t domain) {
    format(
        diagnostics_,
        "ashlar: numa: memory may be plugged in at {:#x} to {:#x} of domain {}: what is not there now is not "
        "used\n",
        base, base + size, domain);
    add_memory(base, size, domain);
}

void NumaBuilder::add_cpu(std::uint32_t number, bool is_boot_cpu) {
    Domain* const domain = domain_of(number);
    if (domain == nullptr)
        ++folded_;
    ++(domain != nullptr ? domain->cpus : cpus_elsewhere_);
    if (is_boot_cpu) {
        has_boot_cpu_ = true;
        boot_cpu_domain_ = number;
    }
}

void NumaBuilder::finish() {
    topology_.cpus.fill(0);
    if (topology_.range_count == 0) {
        if (domain_count_ != 0)
            format(diagnostics_, "ashlar: numa: the tables give no domain any memory: one node\n");
        for (std::size_t i = 0; i < domain_count_; ++i)
            topology_.cpus[0] += domains_[i].cpus;
        topology_.cpus[0] += cpus_elsewhere_;
        domain_count_ = 0;
        return;
    }
    topology_.node_count = domain_count_;
    for (std::size_t node = 0; node < domain_count_; ++node) {
        topology_.domains[node] = domains_[node].number;
        topology_.cpus[node] = domains_[node].cpus;
        topology_.distance[node].fill(kUnset);
    }
    topology_.cpus[0] += cpus_elsewhere_;
    if (stray_cpus_ != 0)
        format(diagnostics_, "ashlar: numa: {} CPUs have no domain, they count as node 0's\n", stray_cpus_);
    if (folded_ != 0)
        format(diagnostics_,
               "ashlar: numa: more than {} domains: {} CPUs and ranges of memory count as node 0's\n",
               kMaxNodes, folded_);
    if (has_boot_cpu_)
        topology_.boot_cpu_node = node_of_domain(boot_cpu_domain_);
    if (ranges_dropped_ != 0)
        format(diagnostics_, "ashlar: numa: {} more ranges are ignored, their memory counts as node 0's\n",
               ranges_dropped_);
    sort_ranges();
    settle_overlaps();
}

void NumaBuilder::sort_ranges() {
    const auto begin = topology_.ranges.begin(), end = begin + topology_.range_count;
    std::for_each(begin, end, [&](NumaTopology::Range& range) { range.node = node_of_domain(range.node); });
    std::sort(begin, end, [](const NumaTopology::Range& a, const NumaTopology::Range& b) {
        return a.base != b.base ? a.base < b.base : a.size < b.size;
    });
}

// Joins the ranges of a node that touch. What two nodes claim stays with the range that begins first.
void NumaBuilder::settle_overlaps() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < topology_.range_count; ++i) {
        NumaTopology::Range range = topology_.ranges[i];
        if (kept != 0) {
            NumaTopology::Range& last = topology_.ranges[kept - 1];
            const PhysicalAddress last_end = last.base + last.size, end = range.base + range.size;
            if (range.node == last.node && range.base <= last_end) {
                last.size = std::max(last_end, end) - last.base;
                continue;
            }
            if (range.base < last_end) {
                format(diagnostics_,
                       "ashlar: numa: nodes {} and {} both claim {:#x} to {:#x}: it counts as node {}'s\n",
                       last.node, range.node, range.base, std::min(last_end, end), last.node);
                if (end <= last_end)
                    continue;
                range = {last_end, end - last_end, range.node};
            }
        }
        topology_.ranges[kept++] = range;
    }
    topology_.range_count = kept;
}

void NumaBuilder::set_distance(std::uint32_t from_domain, std::uint32_t to_domain, std::uint32_t distance) {
    const auto is_known = [&](std::uint32_t domain) {
        return domain_count_ != 0 && topology_.domains[node_of_domain(domain)] == domain;
    };
    if (!is_known(from_domain) || !is_known(to_domain))
        return;
    const NodeId from = node_of_domain(from_domain), to = node_of_domain(to_domain);
    const bool sound = from == to ? distance == NumaTopology::kLocalDistance
                                  : distance > NumaTopology::kLocalDistance && distance <= 255;
    if (!sound && !distances_broken_)
        format(diagnostics_,
               "ashlar: numa: a distance of {} from node {} to node {} cannot be: {} is used for all\n",
               distance, from, to, NumaTopology::kRemoteDistance);
    distances_broken_ = distances_broken_ || !sound;
    distances_told_ = true;
    if (sound)
        topology_.distance[from][to] = static_cast<std::uint8_t>(distance);
}

void NumaBuilder::finish_distances() {
    std::size_t missing = 0;
    const auto& told = topology_.distance;
    for (NodeId from = 0; from < domain_count_; ++from)
        for (NodeId to = 0; to < domain_count_; ++to) {
            std::uint8_t& distance = topology_.distance[from][to];
            if (distances_broken_)
                distance = kUnset;
            if (from == to)
                distance = NumaTopology::kLocalDistance;
            else if (distance == kUnset && !distances_broken_ && told[to][from] != kUnset)
                distance = told[to][from];
        }
    for (NodeId from = 0; from < domain_count_; ++from)
        for (NodeId to = 0; to < domain_count_; ++to)
            if (topology_.distance[from][to] == kUnset) {
                topology_.distance[from][to] = NumaTopology::kRemoteDistance;
                ++missing;
            }
    if (missing != 0 && distances_told_ && !distances_broken_)
        format(diagnostics_, "ashlar: numa: {} distances are missing, {} is used for them\n", missing,
               NumaTopology::kRemoteDistance);
}

} // namespace ashlar::kernel
