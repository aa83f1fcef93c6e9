#include "kernel/frame_zones.h"

#include <algorithm>
#include <bit>

#include "arch/cpu.h"

namespace ashlar::kernel {
namespace {

std::uint64_t size_of(const FrameZone& zone) {
    return zone.end - zone.begin;
}

// Whether the zone begins with a larger block than it ends.
bool begins_aligned(const FrameZone& zone) {
    return std::countr_zero(zone.begin) > std::countr_zero(zone.end);
}

} // namespace

void FrameZones::initialize(const BootInformation& boot, bool checked, Sink& diagnostics) {
    for_each_usable_run(boot,
                        [&](std::uint64_t begin, std::uint64_t end) { add_by_node(boot.numa, begin, end); });
    if (ownerless_ != 0)
        format(diagnostics, "ashlar: numa: {} KiB of usable memory are no node's, they count as node 0's\n",
               ownerless_ * kPageSize / 1024);
    for (NodeId node = 0; node < boot.numa.node_count; ++node)
        make_books(node, checked, diagnostics);
}

void FrameZones::add_by_node(const NumaTopology& topology, std::uint64_t begin, std::uint64_t end) {
    while (begin < end) {
        const NumaTopology::Range* const owner = topology.range_of(PhysicalAddress(begin << kPageShift));
        std::uint64_t cut = end;
        for (std::size_t i = 0; i < topology.range_count; ++i) {
            const NumaTopology::Range& range = topology.ranges[i];
            for (const std::uint64_t edge :
                 {range.base.page_number(), (range.base + range.size).page_number()})
                if (edge > begin && edge < cut)
                    cut = edge;
        }
        add(begin, cut, owner != nullptr ? owner->node : 0);
        if (owner == nullptr && topology.range_count != 0)
            ownerless_ += cut - begin;
        begin = cut;
    }
}

void FrameZones::add(std::uint64_t begin, std::uint64_t end, NodeId node) {
    if (count_ != 0 && zones_[count_ - 1].end == begin && zones_[count_ - 1].node == node) {
        zones_[count_ - 1].end = end;
        return;
    }
    ASHLAR_ASSERT(count_ < kMaxZones);
    zones_[count_++] = {begin, end, nullptr, nullptr, node};
}

// States and owners of a node's frames.
void FrameZones::make_books(NodeId node, bool checked, Sink& diagnostics) {
    std::uint64_t frames = 0;
    for (const FrameZone& zone : all())
        frames += zone.node == node ? size_of(zone) : 0;
    if (frames == 0)
        return;
    using Owner = const MemoryAccount*;
    const std::uint64_t owner_bytes = checked ? frames * sizeof(Owner) : 0;
    const std::uint64_t needed = (frames + owner_bytes + kPageSize - 1) / kPageSize;
    FrameZone* home = nullptr;
    for (FrameZone& zone : std::span(zones_.data(), count_))
        if (zone.node == node && size_of(zone) >= needed &&
            (home == nullptr || size_of(zone) < size_of(*home)))
            home = &zone;
    if (home == nullptr)
        return give_up(node, frames, diagnostics);
    std::uint64_t at = home->begin;
    if (begins_aligned(*home))
        at = home->end -= needed;
    else
        home->begin += needed;
    auto* const books = static_cast<std::byte*>(arch::physical_to_virtual(PhysicalAddress(at << kPageShift)));
    auto* owners = reinterpret_cast<Owner*>(books);
    auto* states = reinterpret_cast<std::uint8_t*>(books + owner_bytes);
    std::fill_n(owners, checked ? frames : 0, nullptr);
    std::fill_n(states, frames, frame_state::kInside);
    for (FrameZone& zone : std::span(zones_.data(), count_))
        if (zone.node == node) {
            zone.states = states;
            zone.owners = checked ? owners : nullptr;
            states += size_of(zone);
            owners += size_of(zone);
        }
}

// Only scattered frames: none of them could hold the books of all.
void FrameZones::give_up(NodeId node, std::uint64_t frames, Sink& diagnostics) {
    format(diagnostics, "ashlar: memory: {} KiB of node {} are in pieces too small to use\n",
           frames * kPageSize / 1024, node);
    const auto begin = zones_.begin(), end = begin + static_cast<std::ptrdiff_t>(count_);
    count_ = static_cast<std::size_t>(
        std::remove_if(begin, end, [&](const FrameZone& zone) { return zone.node == node; }) - begin);
}

const FrameZone* FrameZones::find(std::uint64_t frame) const {
    const auto zones = all();
    const auto after =
        std::upper_bound(zones.begin(), zones.end(), frame,
                         [](std::uint64_t f, const FrameZone& zone) { return f < zone.begin; });
    if (after == zones.begin() || !(after - 1)->contains(frame))
        return nullptr;
    return &*(after - 1);
}

} // namespace ashlar::kernel
