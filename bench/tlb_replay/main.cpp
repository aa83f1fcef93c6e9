// Replays traces that ashlar-run --trace-memory has recorded through every policy of the software TLB.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/tlb_replay/model.h"

namespace ashlar::bench {

namespace {

using jit::hosted::MemoryTraceEvent;
using jit::hosted::MemoryTraceReader;
using jit::mmu::Prefetch;
using jit::mmu::Replacement;
using jit::mmu::TlbCounts;

constexpr Replacement kReplacements[] = {Replacement::Random, Replacement::Lru, Replacement::TreePlru,
                                         Replacement::Adaptive};
constexpr const char* kReplacementNames[] = {"lru", "plru", "random", "adaptive"};
constexpr Prefetch kPrefetches[] = {Prefetch::None, Prefetch::NextPage, Prefetch::Stride};
constexpr const char* kPrefetchNames[] = {"none", "next", "stride"};
constexpr std::size_t kSizes[] = {64, 128, 256, 512, 1024, 2048, 4096};

struct Replayed {
    std::vector<TlbModel> policies, sizes;
    std::uint64_t references = 0, recorded = 0;
};

bool replay(const std::string& path, Replayed& result) {
    for (const Prefetch prefetch : kPrefetches)
        for (const Replacement replacement : kReplacements)
            result.policies.emplace_back(TlbChoice{1024, replacement, prefetch});
    for (const std::size_t size : kSizes)
        result.sizes.emplace_back(TlbChoice{size});
    std::string error;
    const auto reader = MemoryTraceReader::open(path, error);
    if (reader == nullptr) {
        std::fprintf(stderr, "ashlar-tlb-replay: %s\n", error.c_str());
        return false;
    }
    MemoryTraceEvent event;
    while (reader->next(event)) {
        if (event.kind == MemoryTraceEvent::Kind::End) {
            result.references = event.references;
            return true;
        }
        result.recorded += event.kind == MemoryTraceEvent::Kind::Reference ? 1 : 0;
        for (TlbModel& model : result.policies)
            model.replay(event);
        for (TlbModel& model : result.sizes)
            model.replay(event);
    }
    std::fprintf(stderr, "ashlar-tlb-replay: %s: damaged, or the recorder did not come to its end\n",
                 path.c_str());
    return false;
}

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

void print(const std::string& path, const Replayed& result) {
    std::printf("%s: %" PRIu64 " references, %" PRIu64 " recorded; ", path.c_str(), result.references,
                result.recorded);
    std::printf("%" PRIu64 " walks are for what was never translated before, or not since it was fenced\n\n",
                result.policies.front().first_walks());
    std::printf("| policy | prefetch | walks | against random | avoidable | against random | hit rate %% | "
                "evictions | prefetched | useful |\n"
                "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    const std::uint64_t random = result.policies.front().counts().walks;
    const std::uint64_t first = result.policies.front().first_walks();
    for (const TlbModel& model : result.policies) {
        const TlbCounts counts = model.counts();
        std::printf("| %s | %s | %" PRIu64 " | %+.1f %% | %" PRIu64 " | %+.1f %% | %.4f | %" PRIu64
                    " | %" PRIu64 " | %" PRIu64 " |\n",
                    kReplacementNames[static_cast<std::size_t>(model.choice().replacement)],
                    kPrefetchNames[static_cast<std::size_t>(model.choice().prefetch)], counts.walks,
                    percent(counts.walks, random) - 100, counts.walks - std::min(first, counts.walks),
                    percent(counts.walks - std::min(first, counts.walks), random - first) - 100,
                    100 - percent(counts.walks, result.references), counts.evictions, counts.prefetches,
                    counts.useful_prefetches);
    }
    std::printf("\n| first level | misses | hit rate %% | walks |\n|---:|---:|---:|---:|\n");
    for (const TlbModel& model : result.sizes) {
        const TlbCounts counts = model.counts();
        std::printf("| %zu | %" PRIu64 " | %.4f | %" PRIu64 " |\n", model.choice().first_level, counts.misses,
                    100 - percent(counts.misses, result.references), counts.walks);
    }
    std::printf("\n");
}

} // namespace

int replay_main(int count, char** arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: ashlar-tlb-replay TRACE...\n");
        return 2;
    }
    bool good = true;
    for (int i = 1; i < count; ++i) {
        Replayed result;
        if (replay(arguments[i], result))
            print(arguments[i], result);
        else
            good = false;
    }
    return good ? 0 : 1;
}

} // namespace ashlar::bench

int main(int count, char** arguments) {
    return ashlar::bench::replay_main(count, arguments);
}
