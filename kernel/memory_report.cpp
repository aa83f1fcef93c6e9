#include "kernel/memory_report.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kFramesPerMiB = (1 << 20) / kPageSize;
constexpr unsigned kOrder2M = 9, kOrder1G = 18;

} // namespace

unsigned fragmentation(const NodeStatistics& statistics, unsigned order) {
    if (statistics.free_frames == 0)
        return 0;
    std::uint64_t large = 0;
    for (unsigned i = order; i <= kMaxOrder; ++i)
        large += statistics.free_by_order[i] << i;
    return static_cast<unsigned>(1000 * (statistics.free_frames - large) / statistics.free_frames);
}

void describe_shares(const MemoryAccount& account, unsigned node_count, Sink& sink) {
    const char* separator = "";
    for (NodeId node = 0; node < node_count; ++node)
        if (const std::uint64_t frames = account.frames_on[node]; frames != 0) {
            const std::uint64_t tenths = frames * 1000 / account.frames;
            format(sink, "{} node {} {}.{} %", separator, node, tenths / 10, tenths % 10);
            separator = ",";
        }
}

void report_memory(const FrameAllocator& frames, Sink& sink) {
    for (NodeId node = 0; node < frames.node_count(); ++node) {
        const NodeStatistics s = frames.statistics(node);
        const unsigned at_2m = fragmentation(s, kOrder2M), at_1g = fragmentation(s, kOrder1G);
        format(sink,
               "ashlar: node {}: {} MiB, {} MiB free, {} KiB of it in caches of CPUs, fragmentation {}.{} % "
               "at 2 "
               "MiB, {}.{} % at 1 GiB\n",
               node, s.total_frames / kFramesPerMiB, s.free_frames / kFramesPerMiB,
               s.cached_frames * kPageSize / 1024, at_2m / 10, at_2m % 10, at_1g / 10, at_1g % 10);
        format(sink, "ashlar: node {}: free blocks of 4 KiB to 1 GiB:", node);
        for (const std::uint64_t blocks : s.free_by_order)
            format(sink, " {}", blocks);
        format(sink, "\nashlar: node {}: frames handed out: {} local, {} remote, {} interleaved\n", node,
               s.hits[static_cast<std::size_t>(Hit::Local)], s.hits[static_cast<std::size_t>(Hit::Remote)],
               s.hits[static_cast<std::size_t>(Hit::Interleaved)]);
    }
}

} // namespace ashlar::kernel
