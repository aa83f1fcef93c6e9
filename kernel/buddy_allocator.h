// Per-node buddy allocation of physical memory.
#pragma once

#include <array>

#include "kernel/boot_information.h"
#include "kernel/frame_allocator.h"
#include "lib/sync.h"

namespace ashlar::kernel {

class BuddyAllocator final : public FrameAllocator {
public:
    static constexpr std::size_t kMaxZones = 128;

    // Takes what is usable and not taken yet out of the firmware's ranges, whatever their order and overlap,
    // and gives it to the node that the topology says. Once.
    void initialize(const BootInformation& boot);

    Result<PhysicalAddress> allocate(unsigned order, NodeId node, MemoryAccount& account,
                                     bool strict) override;
    void free(PhysicalAddress block, unsigned order, MemoryAccount& account) override;
    unsigned node_count() const override { return node_count_; }
    NodeStatistics statistics(NodeId node) const override;
    std::uint64_t free_frames() const;

private:
    // A run of frames of one node. The first of them hold a byte for each: what begins there.
    struct Zone {
        std::uint64_t begin, end; // frame numbers
        std::uint8_t* states;
        NodeId node;
    };
    // Lives in the free block itself.
    struct FreeBlock {
        FreeBlock* next;
        FreeBlock** link; // what points here
    };
    struct Node {
        FreeBlock* free[kMaxOrder + 1] = {};
        NodeStatistics statistics;
        std::array<NodeId, NumaTopology::kMaxNodes> fallback{}; // by distance, itself first
        mutable TicketLock lock;
    };

    void add_zones(const BootInformation& boot, std::uint64_t begin, std::uint64_t end);
    void add_zone(std::uint64_t begin, std::uint64_t end, NodeId node);
    Zone* zone_of(std::uint64_t frame);
    std::uint8_t& state(Zone& zone, std::uint64_t frame) { return zone.states[frame - zone.begin]; }
    void push(Node& node, Zone& zone, std::uint64_t frame, unsigned order);
    void remove(Node& node, std::uint64_t frame, unsigned order);
    bool take(NodeId node, unsigned order, std::uint64_t& frame);
    void order_fallbacks(const NumaTopology& topology);

    std::array<Zone, kMaxZones> zones_{};
    std::size_t zone_count_ = 0;
    std::array<Node, NumaTopology::kMaxNodes> nodes_{};
    unsigned node_count_ = 1;
};

} // namespace ashlar::kernel
