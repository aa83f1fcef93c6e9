// Look-ups in the software TLB.
#include "jit/mmu/tlb.h"

#include <benchmark/benchmark.h>

#include <memory>

namespace ashlar::bench {

namespace {

using jit::mmu::Tlb;

constexpr unsigned kBoth = 1u << jit::mmu::kLoads | 1u << jit::mmu::kStores;
constexpr std::uint64_t kBase = 0x8000'0000;

// `range(0)` pages are mapped; look-ups go through twice as many when `range(1)` is set, so that half of them
// miss.
void tlb_lookup(benchmark::State& state) {
    const auto tlb = std::make_unique<Tlb>();
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    for (std::uint64_t page = 0; page < pages; ++page) {
        const std::uint64_t address = kBase + (page << kPageShift);
        tlb->insert(address, kBoth, 0x1000, {});
    }
    const std::uint64_t mask = pages * (state.range(1) != 0 ? 2 : 1) - 1;
    std::uint64_t page = 0, hits = 0;
    for (auto _ : state) {
        page = (page + 7) & mask;
        const std::uint64_t address = kBase + (page << kPageShift) + 8 * (page & 511);
        const bool hit = tlb->hits(jit::mmu::kLoads, address, 8);
        hits += hit ? 1 : 0;
        benchmark::DoNotOptimize(address + tlb->addend(address));
    }
    state.counters["hit_rate"] = static_cast<double>(hits) / static_cast<double>(state.iterations());
}
BENCHMARK(tlb_lookup)->ArgNames({"pages", "misses"})->Args({16, 0})->Args({256, 0})->Args({256, 1});

void tlb_insert(benchmark::State& state) {
    const auto tlb = std::make_unique<Tlb>();
    std::uint64_t page = 0;
    for (auto _ : state) {
        const std::uint64_t address = kBase + (++page << kPageShift);
        tlb->insert(address, kBoth, 0, {});
        benchmark::ClobberMemory();
    }
}
BENCHMARK(tlb_insert);

void tlb_flush_page(benchmark::State& state) {
    const auto tlb = std::make_unique<Tlb>();
    std::uint64_t page = 0;
    for (auto _ : state) {
        const std::uint64_t address = kBase + ((++page & 255) << kPageShift);
        tlb->insert(address, kBoth, 0, {});
        tlb->flush(address, kPageSize);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(tlb_flush_page);

void tlb_flush_all(benchmark::State& state) {
    const auto tlb = std::make_unique<Tlb>();
    for (auto _ : state) {
        tlb->insert(kBase, kBoth, 0, {});
        tlb->flush_all();
        benchmark::ClobberMemory();
    }
}
BENCHMARK(tlb_flush_all);

} // namespace

} // namespace ashlar::bench
