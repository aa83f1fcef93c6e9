// Physical memory, by NUMA node.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::kernel {

using NodeId = std::uint32_t;
constexpr NodeId kAnyNode = ~NodeId{0};

// Order n is 2^n contiguous frames, aligned to their size; 18 is 1 GiB.
constexpr unsigned kMaxOrder = 18;

// Who holds memory: every allocation is charged to an account, so that a VM's end can be checked to return
// all.
struct MemoryAccount {
    const char* name = "";
    std::uint64_t frames = 0;
    std::uint64_t limit_frames = ~std::uint64_t{0};
};

struct NodeStatistics {
    std::uint64_t total_frames = 0, free_frames = 0;
    std::uint64_t free_by_order[kMaxOrder + 1] = {};
};

class FrameAllocator {
public:
    // 2^order frames, contents undefined. OutOfMemory when neither the node nor, with kAnyNode or `strict`
    // false, another has a block; Denied when the account's limit would be passed.
    virtual Result<PhysicalAddress> allocate(unsigned order, NodeId node, MemoryAccount& account,
                                             bool strict = false) = 0;
    // Of a block from allocate() with the same order and account.
    virtual void free(PhysicalAddress block, unsigned order, MemoryAccount& account) = 0;
    virtual unsigned node_count() const = 0;
    virtual NodeStatistics statistics(NodeId node) const = 0;

protected:
    ~FrameAllocator() = default;
};

} // namespace ashlar::kernel
