// Zeros for frames that change hands: which stores are best for which sizes (arch/clear.h).
#include "arch/clear.h"

#include <benchmark/benchmark.h>

#include <cstring>

#include <sys/mman.h>

namespace ashlar::bench {

namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;

// The candidate that is not used: as fast as words on CPUs, eight times as slow in emulators.
void clear_bytes(void* to, std::size_t bytes) {
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(0) : "memory");
}

class Area {
public:
    explicit Area(std::size_t size)
        : size_(size),
          memory_(static_cast<std::byte*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0))) {}
    ~Area() { ::munmap(memory_, size_); }
    std::byte* at(std::size_t offset) const { return memory_ + offset; }

private:
    std::size_t size_;
    std::byte* memory_;
};

// Memory that no cache has.
template <void (*Clear)(void*, std::size_t)>
void clear_cold(benchmark::State& state) {
    constexpr std::size_t kArea = 512 * kMiB;
    const Area area(kArea);
    const auto size = static_cast<std::size_t>(state.range(0));
    std::size_t offset = 0;
    for (auto _ : state) {
        Clear(area.at(offset), size);
        offset = (offset + size) % kArea;
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

// A block that has just been used, and is read at once.
template <void (*Clear)(void*, std::size_t)>
void clear_and_read(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const Area area(size);
    for (auto _ : state) {
        Clear(area.at(0), size);
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < size; i += 64) {
            std::uint64_t word;
            std::memcpy(&word, area.at(i), sizeof word);
            sum += word;
        }
        benchmark::DoNotOptimize(sum);
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

#define ASHLAR_CLEAR_BENCHMARKS(store)                                                                       \
    BENCHMARK_TEMPLATE(clear_cold, store)->Arg(4 * kKiB)->Arg(2 * kMiB)->Arg(64 * kMiB);                     \
    BENCHMARK_TEMPLATE(clear_and_read, store)->Arg(4 * kKiB)->Arg(16 * kKiB)->Arg(64 * kKiB)->Arg(2 * kMiB)
ASHLAR_CLEAR_BENCHMARKS(clear_bytes);
ASHLAR_CLEAR_BENCHMARKS(arch::clear_words);
ASHLAR_CLEAR_BENCHMARKS(arch::clear_past_caches);
#undef ASHLAR_CLEAR_BENCHMARKS

} // namespace

} // namespace ashlar::bench
