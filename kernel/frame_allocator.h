// Physical memory, by NUMA node.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/node.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::kernel {

// Order n is 2^n contiguous frames, aligned to their size; 18 is 1 GiB.
constexpr unsigned kMaxOrder = 18;

using FramesByNode = std::array<std::uint64_t, kMaxNodes>;

// Who holds memory: every allocation is charged to an account, so that a VM's end can be checked to return
// all. Not synchronized: whoever allocates for an owner holds the owner's lock.
struct MemoryAccount {
    const char* name = "";
    std::uint64_t frames = 0;
    std::uint64_t limit_frames = ~std::uint64_t{0};
    FramesByNode frames_on{};
};

// Why memory comes from a node, for the statistics.
enum class Hit : std::uint8_t {
    Local,       // its owner wants it from there
    Remote,      // its owner wants it from another, which has none
    Interleaved, // it has its turn among the nodes that the owner's memory is spread over
};
constexpr std::size_t kHits = 3;

// Which node's frames are wanted, and whose are taken when it has none: those of `others`, nearest to `node`
// first. What comes from `node` counts as `hit`, from others as remote.
struct NodeWish {
    NodeId node = kAnyNode;
    NodeSet others = NodeSet::all();
    Hit hit = Hit::Local;
};

struct NodeStatistics {
    std::uint64_t total_frames = 0, free_frames = 0; // free ones in the caches of CPUs included
    std::uint64_t cached_frames = 0;                 // of the free ones, in caches of CPUs
    std::uint64_t free_by_order[kMaxOrder + 1] = {}; // blocks, without what is in caches
    std::array<std::uint64_t, kHits> hits{};         // frames allocated since the start, by Hit
};

// May be used from several CPUs at once.
class FrameAllocator {
public:
    // 2^order frames, contents undefined. OutOfMemory when no node that the wish allows has them; Denied when
    // the account's limit would be passed; InvalidArgument for a node that the machine lacks.
    virtual Result<PhysicalAddress> allocate(unsigned order, const NodeWish& wish,
                                             MemoryAccount& account) = 0;
    // Of a block from allocate() with the same order and account.
    virtual void free(PhysicalAddress block, unsigned order, MemoryAccount& account) = 0;
    virtual unsigned node_count() const = 0;
    virtual NodeStatistics statistics(NodeId node) const = 0;
    // Nodes by their distance from `node`: itself with rank 0, the farthest with rank node_count() - 1.
    virtual NodeId nearest(NodeId node, unsigned rank) const = 0;
    // As in NumaTopology.
    virtual unsigned distance(NodeId from, NodeId to) const = 0;

protected:
    ~FrameAllocator() = default;
};

} // namespace ashlar::kernel
