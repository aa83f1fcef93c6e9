#include "kernel/physical_memory.h"

#include <algorithm>
#include <new>

#include "arch/cpu.h"
#include "kernel/frame_checks.h"
#include "kernel/memory_source.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t frames_of(unsigned order) {
    return std::uint64_t{1} << order;
}

} // namespace

void PhysicalMemory::initialize(const BootInformation& boot, std::span<const NodeId> cpu_nodes,
                                Sink& diagnostics) {
    node_count_ = static_cast<unsigned>(boot.numa.node_count);
    ASHLAR_ASSERT(node_count_ >= 1 && node_count_ <= kMaxNodes);
    order_nodes(boot.numa);
    zones_.initialize(boot, checked_, diagnostics);
    for (Node& node : nodes_)
        node.buddy.initialize(zones_, checked_);
    for (const FrameZone& zone : zones_.all())
        nodes_[zone.node].buddy.add(zone);
    create_caches(cpu_nodes);
}

void PhysicalMemory::order_nodes(const NumaTopology& topology) {
    for (NodeId from = 0; from < node_count_; ++from) {
        Node& node = nodes_[from];
        for (NodeId to = 0; to < node_count_; ++to) {
            node.distance[to] = topology.distance[from][to];
            node.nearest[to] = static_cast<std::uint8_t>(to);
        }
        // Itself first whatever the table says, equals by number.
        const auto rank = [&](NodeId to) { return std::pair(to == from ? 0u : 1u + node.distance[to], to); };
        std::sort(node.nearest.begin(), node.nearest.begin() + node_count_,
                  [&](NodeId a, NodeId b) { return rank(a) < rank(b); });
    }
}

void PhysicalMemory::create_caches(std::span<const NodeId> cpu_nodes) {
    const std::size_t count = std::min(cpu_nodes.size(), kMaxCachedCpus);
    for (std::size_t i = 0; i < count; ++i) {
        Cpu& cpu = cpus_[i];
        cpu.node = cpu_nodes[i] < node_count_ ? cpu_nodes[i] : 0;
        const auto memory = allocate(order_for(node_count_ * sizeof(FrameCache)), {.node = cpu.node}, own_);
        if (!memory.ok())
            continue;
        auto* const caches = static_cast<FrameCache*>(arch::physical_to_virtual(memory.value()));
        for (unsigned node = 0; node < node_count_; ++node)
            ::new (&caches[node]) FrameCache;
        cpu.caches = caches;
    }
    cpu_count_ = count; // they are used from here on
}

// The common case comes first: a single frame that the CPU's cache has.
Result<PhysicalAddress> PhysicalMemory::allocate(unsigned order, const NodeWish& wish,
                                                 MemoryAccount& account) {
    Cpu* const cpu = this->cpu();
    if (order != 0 || checked_ || cpu == nullptr || must_empty(*cpu) ||
        account.frames >= account.limit_frames)
        return allocate_slowly(order, wish, account);
    const NodeId node = wish.node != kAnyNode ? wish.node : cpu->node;
    if (node >= node_count_ || cpu->caches[node].empty())
        return allocate_slowly(order, wish, account);
    FrameCache& cache = cpu->caches[node];
    const std::uint64_t frame = cache.pop();
    if (cache.zone == nullptr || !cache.zone->contains(frame))
        cache.zone = zones_.find(frame);
    cache.zone->set_state(frame, 0);
    ++account.frames;
    ++account.frames_on[node];
    cache.hits[static_cast<std::size_t>(wish.hit)].add(1);
    return PhysicalAddress(frame << kPageShift);
}

Result<PhysicalAddress> PhysicalMemory::allocate_slowly(unsigned order, const NodeWish& wish,
                                                        MemoryAccount& account) {
    if (order > kMaxOrder || (wish.node != kAnyNode && wish.node >= node_count_))
        return Error::InvalidArgument;
    const std::uint64_t frames = frames_of(order);
    if (account.frames + frames > account.limit_frames)
        return Error::Denied;
    Cpu* const cpu = this->cpu();
    if (cpu != nullptr)
        empty_when_asked(*cpu);
    const NodeId wanted = wish.node != kAnyNode ? wish.node : cpu != nullptr ? cpu->node : 0;
    std::uint64_t frame = 0;
    NodeId node = wanted;
    if (!take(cpu, wanted, order, frame) && !take_elsewhere(cpu, wanted, wish.others, order, frame, node)) {
        if (order == 0) {
            NodeSet nodes = wish.others;
            nodes.add(wanted);
            ask_others_to_empty(nodes);
        }
        return Error::OutOfMemory;
    }
    if (checked_)
        frame_checks::take(*zones_.find(frame), frame, order, account);
    account.frames += frames;
    account.frames_on[node] += frames;
    count_hit(cpu, node, node == wanted ? wish.hit : Hit::Remote, frames);
    return PhysicalAddress(frame << kPageShift);
}

void PhysicalMemory::count_hit(Cpu* cpu, NodeId node, Hit hit, std::uint64_t frames) {
    const auto index = static_cast<std::size_t>(hit);
    if (cpu != nullptr)
        return cpu->caches[node].hits[index].add(frames);
    const LockGuard guard(nodes_[node].uncached_lock);
    nodes_[node].uncached_hits[index].add(frames);
}

// What other CPUs keep of these nodes for themselves may be enough the next time.
void PhysicalMemory::ask_others_to_empty(NodeSet nodes) {
    for (std::size_t i = 0; i < cpu_count_; ++i)
        for (NodeId node = 0; node < node_count_; ++node)
            if (nodes.contains(node) && cpus_[i].caches != nullptr && cpus_[i].caches[node].count() != 0) {
                empty_requests_.fetch_add(1, std::memory_order_relaxed);
                return;
            }
}

bool PhysicalMemory::take(Cpu* cpu, NodeId node, unsigned order, std::uint64_t& frame) {
    NodeBuddy& buddy = nodes_[node].buddy;
    if (cpu == nullptr)
        return buddy.take(order, frame);
    FrameCache& cache = cpu->caches[node];
    if (order == 0)
        return take_single(cache, node, frame);
    if (buddy.take(order, frame))
        return true;
    if (cache.empty())
        return false;
    empty_cache(cache, node);
    return buddy.take(order, frame);
}

bool PhysicalMemory::take_single(FrameCache& cache, NodeId node, std::uint64_t& frame) {
    if (cache.empty()) {
        cache.filled(nodes_[node].buddy.take_frames(cache.room()));
        if (cache.empty())
            return false;
    }
    frame = cache.pop();
    zones_.find(frame)->set_state(frame, 0);
    return true;
}

bool PhysicalMemory::take_elsewhere(Cpu* cpu, NodeId wanted, NodeSet others, unsigned order,
                                    std::uint64_t& frame, NodeId& node) {
    for (unsigned rank = 1; rank < node_count_; ++rank) {
        node = nearest(wanted, rank);
        if (others.contains(node) && take(cpu, node, order, frame))
            return true;
    }
    return false;
}

// Likewise: a single frame for which the CPU's cache has room. What is odd about it is found out slowly.
void PhysicalMemory::free(PhysicalAddress block, unsigned order, MemoryAccount& account) {
    const std::uint64_t frame = block.page_number();
    Cpu* const cpu = this->cpu();
    if (order != 0 || checked_ || cpu == nullptr || must_empty(*cpu) || cpu->zone == nullptr ||
        !cpu->zone->contains(frame))
        return free_slowly(block, order, account);
    const FrameZone& zone = *cpu->zone;
    FrameCache& cache = cpu->caches[zone.node];
    std::uint64_t& charged = account.frames_on[zone.node];
    if (cache.full() || charged == 0 || zone.state(frame) != 0 || block.page_offset() != 0)
        return free_slowly(block, order, account);
    --account.frames;
    --charged;
    zone.set_state(frame, frame_state::kCached);
    cache.push(frame);
}

void PhysicalMemory::free_slowly(PhysicalAddress block, unsigned order, MemoryAccount& account) {
    const std::uint64_t frame = block.page_number();
    const std::uint64_t frames = frames_of(order);
    Cpu* const cpu = this->cpu();
    const FrameZone* const zone = zone_of(cpu, frame);
    ASHLAR_ASSERT(zone != nullptr); // else it is nobody's memory
    ASHLAR_ASSERT(block.is_aligned(kPageSize << order));
    if (checked_)
        frame_checks::expect_owner(*zone, frame, account);
    ASHLAR_ASSERT(zone->state(frame) == order);             // else freed twice, or with another order
    ASHLAR_ASSERT(account.frames_on[zone->node] >= frames); // else it is somebody else's
    if (checked_)
        frame_checks::give(*zone, frame, order, account);
    account.frames -= frames;
    account.frames_on[zone->node] -= frames;
    if (order == 0 && cpu != nullptr)
        return give_single(*cpu, *zone, frame);
    nodes_[zone->node].buddy.put(*zone, frame, order);
}

const FrameZone* PhysicalMemory::zone_of(Cpu* cpu, std::uint64_t frame) const {
    if (cpu == nullptr)
        return zones_.find(frame);
    if (cpu->zone == nullptr || !cpu->zone->contains(frame))
        cpu->zone = zones_.find(frame);
    return cpu->zone;
}

void PhysicalMemory::give_single(Cpu& cpu, const FrameZone& zone, std::uint64_t frame) {
    FrameCache& cache = cpu.caches[zone.node];
    zone.set_state(frame, frame_state::kCached);
    if (cache.full()) {
        nodes_[zone.node].buddy.put_frames(cache.oldest(FrameCache::kBatch));
        cache.forget_oldest(FrameCache::kBatch);
    }
    cache.push(frame);
    empty_when_asked(cpu);
}

void PhysicalMemory::empty_cache(FrameCache& cache, NodeId node) {
    const auto frames = cache.oldest(cache.count());
    nodes_[node].buddy.put_frames(frames);
    cache.forget_oldest(frames.size());
}

void PhysicalMemory::empty_caches(Cpu& cpu) {
    for (NodeId node = 0; node < node_count_; ++node)
        if (!cpu.caches[node].empty())
            empty_cache(cpu.caches[node], node);
}

void PhysicalMemory::empty_when_asked(Cpu& cpu) {
    if (!must_empty(cpu))
        return;
    cpu.emptied = empty_requests_.load(std::memory_order_relaxed);
    empty_caches(cpu);
}

void PhysicalMemory::empty_caches() {
    if (Cpu* const cpu = this->cpu(); cpu != nullptr)
        empty_caches(*cpu);
}

NodeStatistics PhysicalMemory::statistics(NodeId node) const {
    ASHLAR_ASSERT(node < node_count_);
    const NodeBuddy::Counts counts = nodes_[node].buddy.counts();
    NodeStatistics result;
    result.total_frames = counts.total;
    std::copy(std::begin(counts.free_by_order), std::end(counts.free_by_order), result.free_by_order);
    const auto add_hits = [&](const HitCounters& hits) {
        for (std::size_t hit = 0; hit < kHits; ++hit)
            result.hits[hit] += hits[hit].value();
    };
    add_hits(nodes_[node].uncached_hits);
    for (std::size_t i = 0; i < cpu_count_; ++i)
        if (const FrameCache* const caches = cpus_[i].caches; caches != nullptr) {
            result.cached_frames += caches[node].count();
            add_hits(caches[node].hits);
        }
    result.free_frames = counts.free + result.cached_frames;
    return result;
}

std::uint64_t PhysicalMemory::free_frames() const {
    std::uint64_t total = 0;
    for (NodeId node = 0; node < node_count_; ++node)
        total += statistics(node).free_frames;
    return total;
}

} // namespace ashlar::kernel
