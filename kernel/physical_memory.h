// All of the machine's usable memory: a buddy allocator for each NUMA node, and for each CPU a cache of
// single frames in front of each.
#pragma once

#include <array>
#include <span>

#include "arch/cpu.h"
#include "kernel/boot_information.h"
#include "kernel/frame_cache.h"
#include "kernel/node_buddy.h"
#include "lib/debug_build.h"

namespace ashlar::kernel {

class PhysicalMemory final : public FrameAllocator {
public:
    // CPUs with a higher number work without a cache.
    static constexpr std::size_t kMaxCachedCpus = 256;

    // With `checked` every frame is filled when it is freed and looked at when it is handed out again, and
    // knows its owner: see kernel/frame_checks.h. It costs as much as it says.
    explicit PhysicalMemory(bool checked = kDebugBuild) : checked_(checked) {}

    // Takes what is usable and not taken yet. `cpu_nodes` has the node of each CPU that is in use, by
    // arch::current_cpu(). Lines about what cannot be used go to `diagnostics`. Once.
    void initialize(const BootInformation& boot, std::span<const NodeId> cpu_nodes, Sink& diagnostics);

    Result<PhysicalAddress> allocate(unsigned order, const NodeWish& wish, MemoryAccount& account) override;
    void free(PhysicalAddress block, unsigned order, MemoryAccount& account) override;
    unsigned node_count() const override { return node_count_; }
    NodeStatistics statistics(NodeId node) const override;
    NodeId nearest(NodeId node, unsigned rank) const override { return nodes_[node].nearest[rank]; }
    unsigned distance(NodeId from, NodeId to) const override { return nodes_[from].distance[to]; }

    // The calling CPU's caches go back to the nodes, where frames join to blocks.
    void empty_caches();

    std::uint64_t free_frames() const;
    // What the caches themselves take.
    std::uint64_t own_frames() const { return own_.frames; }

private:
    struct Node {
        NodeBuddy buddy;
        std::array<std::uint8_t, kMaxNodes> nearest{}; // nodes by distance, itself first
        std::array<std::uint8_t, kMaxNodes> distance{};
        HitCounters uncached_hits; // of CPUs without a cache
        TicketLock uncached_lock;
    };
    struct alignas(64) Cpu {
        NodeId node = 0;
        FrameCache* caches = nullptr;    // by node; none for lack of memory
        const FrameZone* zone = nullptr; // where the last frame that came back lies
        std::uint64_t emptied = 0;       // requests to empty the caches that it has met
    };

    void order_nodes(const NumaTopology& topology);
    void create_caches(std::span<const NodeId> cpu_nodes);
    Cpu* cpu() {
        const unsigned number = arch::current_cpu();
        return number < cpu_count_ && cpus_[number].caches != nullptr ? &cpus_[number] : nullptr;
    }
    bool must_empty(const Cpu& cpu) const {
        return cpu.emptied != empty_requests_.load(std::memory_order_relaxed);
    }
    [[gnu::noinline]] Result<PhysicalAddress> allocate_slowly(unsigned order, const NodeWish& wish,
                                                              MemoryAccount& account);
    [[gnu::noinline]] void free_slowly(PhysicalAddress block, unsigned order, MemoryAccount& account);
    bool take(Cpu* cpu, NodeId node, unsigned order, std::uint64_t& frame);
    bool take_single(FrameCache& cache, NodeId node, std::uint64_t& frame);
    bool take_elsewhere(Cpu* cpu, NodeId wanted, NodeSet others, unsigned order, std::uint64_t& frame,
                        NodeId& node);
    void count_hit(Cpu* cpu, NodeId node, Hit hit, std::uint64_t frames);
    void ask_others_to_empty(NodeSet nodes);
    const FrameZone* zone_of(Cpu* cpu, std::uint64_t frame) const;
    void give_single(Cpu& cpu, const FrameZone& zone, std::uint64_t frame);
    void empty_cache(FrameCache& cache, NodeId node);
    void empty_caches(Cpu& cpu);
    void empty_when_asked(Cpu& cpu);

    const bool checked_;
    FrameZones zones_;
    std::array<Node, kMaxNodes> nodes_{};
    unsigned node_count_ = 1;
    std::array<Cpu, kMaxCachedCpus> cpus_{};
    std::size_t cpu_count_ = 0;
    std::atomic<std::uint64_t> empty_requests_{0};
    MemoryAccount own_{.name = "frame caches"};
};

} // namespace ashlar::kernel
