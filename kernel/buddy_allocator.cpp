#include "kernel/buddy_allocator.h"

#include <algorithm>

#include "arch/cpu.h"
#include "kernel/usable_memory.h"
#include "lib/assert.h"

namespace ashlar::kernel {
namespace {

// States of frames: a free or an allocated block of some order begins, or none does.
constexpr std::uint8_t kInside = 0xff, kFree = 0x80;

PhysicalAddress address_of(std::uint64_t frame) {
    return PhysicalAddress(frame << kPageShift);
}
template <class T>
T* pointer_to(std::uint64_t frame) {
    return static_cast<T*>(arch::physical_to_virtual(address_of(frame)));
}

} // namespace

void BuddyAllocator::initialize(const BootInformation& boot) {
    node_count_ = static_cast<unsigned>(std::max<std::size_t>(1, boot.numa.node_count));
    order_fallbacks(boot.numa);
    for_each_usable_run(boot, [&](std::uint64_t begin, std::uint64_t end) { add_zones(boot, begin, end); });
}

void BuddyAllocator::order_fallbacks(const NumaTopology& topology) {
    for (NodeId node = 0; node < node_count_; ++node) {
        auto& order = nodes_[node].fallback;
        for (NodeId other = 0; other < node_count_; ++other)
            order[other] = other;
        // Itself first whatever the table says, equals by number.
        const auto rank = [&](NodeId other) {
            return std::pair(other == node ? 0u : 1u + topology.distance[node][other], other);
        };
        std::sort(order.begin(), order.begin() + node_count_,
                  [&](NodeId a, NodeId b) { return rank(a) < rank(b); });
    }
}

// Cuts a run where the topology changes the node.
void BuddyAllocator::add_zones(const BootInformation& boot, std::uint64_t begin, std::uint64_t end) {
    while (begin < end) {
        const NodeId node = boot.numa.node_of(address_of(begin));
        std::uint64_t cut = end;
        for (std::size_t i = 0; i < boot.numa.range_count; ++i) {
            const NumaTopology::Range& range = boot.numa.ranges[i];
            for (const std::uint64_t edge :
                 {range.base.page_number(), (range.base + range.size).page_number()})
                if (edge > begin && edge < cut)
                    cut = edge;
        }
        add_zone(begin, cut, node);
        begin = cut;
    }
}

void BuddyAllocator::add_zone(std::uint64_t begin, std::uint64_t end, NodeId node_id) {
    const std::uint64_t state_frames = (end - begin + kPageSize - 1) / kPageSize;
    if (zone_count_ == kMaxZones || end - begin <= state_frames)
        return;
    Zone& zone = zones_[zone_count_++];
    zone = {begin, end, pointer_to<std::uint8_t>(begin), node_id};
    std::fill_n(zone.states, end - begin, kInside);
    Node& node = nodes_[node_id];
    node.statistics.total_frames += end - begin - state_frames;
    for (std::uint64_t frame = begin + state_frames; frame < end;) {
        unsigned order = 0;
        while (order < kMaxOrder && frame % (std::uint64_t{2} << order) == 0 &&
               frame + (std::uint64_t{2} << order) <= end)
            ++order;
        push(node, zone, frame, order);
        frame += std::uint64_t{1} << order;
    }
}

BuddyAllocator::Zone* BuddyAllocator::zone_of(std::uint64_t frame) {
    for (std::size_t i = 0; i < zone_count_; ++i)
        if (frame >= zones_[i].begin && frame < zones_[i].end)
            return &zones_[i];
    return nullptr;
}

void BuddyAllocator::push(Node& node, Zone& zone, std::uint64_t frame, unsigned order) {
    auto* const block = pointer_to<FreeBlock>(frame);
    FreeBlock*& head = node.free[order];
    *block = {head, &head};
    if (head != nullptr)
        head->link = &block->next;
    head = block;
    state(zone, frame) = static_cast<std::uint8_t>(kFree | order);
    ++node.statistics.free_by_order[order];
    node.statistics.free_frames += std::uint64_t{1} << order;
}

void BuddyAllocator::remove(Node& node, std::uint64_t frame, unsigned order) {
    auto* const block = pointer_to<FreeBlock>(frame);
    *block->link = block->next;
    if (block->next != nullptr)
        block->next->link = block->link;
    --node.statistics.free_by_order[order];
    node.statistics.free_frames -= std::uint64_t{1} << order;
}

bool BuddyAllocator::take(NodeId node_id, unsigned order, std::uint64_t& frame) {
    Node& node = nodes_[node_id];
    const LockGuard guard(node.lock);
    unsigned found = order;
    while (found <= kMaxOrder && node.free[found] == nullptr)
        ++found;
    if (found > kMaxOrder)
        return false;
    frame = arch::virtual_to_physical(node.free[found]).page_number();
    Zone& zone = *zone_of(frame);
    remove(node, frame, found);
    while (found > order) {
        --found;
        push(node, zone, frame + (std::uint64_t{1} << found), found);
    }
    state(zone, frame) = static_cast<std::uint8_t>(order);
    return true;
}

Result<PhysicalAddress> BuddyAllocator::allocate(unsigned order, NodeId node, MemoryAccount& account,
                                                 bool strict) {
    if (order > kMaxOrder || (node != kAnyNode && node >= node_count_))
        return Error::InvalidArgument;
    const std::uint64_t frames = std::uint64_t{1} << order;
    if (account.limit_frames - account.frames < frames)
        return Error::Denied;
    const auto& nodes = nodes_[node == kAnyNode ? 0 : node].fallback;
    const std::size_t tries = strict && node != kAnyNode ? 1 : node_count_;
    for (std::size_t i = 0; i < tries; ++i)
        if (std::uint64_t frame = 0; take(nodes[i], order, frame)) {
            account.frames += frames;
            return address_of(frame);
        }
    return Error::OutOfMemory;
}

void BuddyAllocator::free(PhysicalAddress block, unsigned order, MemoryAccount& account) {
    std::uint64_t frame = block.page_number();
    Zone* const zone = zone_of(frame);
    ASHLAR_ASSERT(zone != nullptr && block.is_aligned(kPageSize << order));
    const std::uint64_t frames = std::uint64_t{1} << order;
    ASHLAR_ASSERT(account.frames >= frames);
    Node& node = nodes_[zone->node];
    const LockGuard guard(node.lock);
    ASHLAR_ASSERT(state(*zone, frame) == order); // else freed twice, or with another order
    state(*zone, frame) = kInside;
    for (; order < kMaxOrder; ++order) {
        const std::uint64_t buddy = frame ^ std::uint64_t{1} << order;
        if (buddy < zone->begin || buddy >= zone->end || state(*zone, buddy) != (kFree | order))
            break;
        remove(node, buddy, order);
        state(*zone, buddy) = kInside;
        frame &= ~(std::uint64_t{1} << order);
    }
    push(node, *zone, frame, order);
    account.frames -= frames;
}

NodeStatistics BuddyAllocator::statistics(NodeId node) const {
    ASHLAR_ASSERT(node < node_count_);
    const LockGuard guard(nodes_[node].lock);
    return nodes_[node].statistics;
}

std::uint64_t BuddyAllocator::free_frames() const {
    std::uint64_t total = 0;
    for (NodeId node = 0; node < node_count_; ++node)
        total += statistics(node).free_frames;
    return total;
}

} // namespace ashlar::kernel
