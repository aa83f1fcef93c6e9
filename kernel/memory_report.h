// What the machine's memory and the VMs' shares of it look like, for people.
#pragma once

#include "kernel/frame_allocator.h"
#include "lib/format.h"

namespace ashlar::kernel {

// How many thousandths of a node's free memory lie in blocks of fewer than 2^order frames: 0 when all of it
// can be had in such blocks, 1000 when none of it can. 0 when nothing is free.
unsigned fragmentation(const NodeStatistics& statistics, unsigned order);

// " node 0 66.6 %, node 1 33.3 %": where an account's memory is.
void describe_shares(const MemoryAccount& account, unsigned node_count, Sink& sink);

// Three lines for each node: what is free, in which blocks, and why memory came from it.
void report_memory(const FrameAllocator& frames, Sink& sink);

} // namespace ashlar::kernel
