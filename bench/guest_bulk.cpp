// Guest-physical memory by the block, in one piece and scattered, and from several threads at once.
#include <benchmark/benchmark.h>

#include <vector>

#include "jit/guest_memory.h"
#include "jit/guest_segments.h"

namespace ashlar::bench {

namespace {

using namespace jit;

constexpr std::uint64_t kBase = 0x8000'0000, kBytes = 16 << 20, kStripe = kBytes / 16;
constexpr std::size_t k64K = 64 << 10;

struct Memory {
    std::vector<std::byte> bytes = std::vector<std::byte>(kBytes, std::byte{1});
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kBytes >> kPageShift);
    GuestMemory memory{GuestPhysicalAddress(kBase), bytes, code_pages.data()};
};

// What the accessors are compared with.
void bulk_memcpy(benchmark::State& state) {
    Memory m;
    const auto size = static_cast<std::size_t>(state.range(0));
    std::vector<std::byte> buffer(size);
    for (auto _ : state) {
        std::memcpy(buffer.data(), m.bytes.data(), size);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
void bulk_read(benchmark::State& state) {
    Memory m;
    std::vector<std::byte> buffer(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        benchmark::DoNotOptimize(m.memory.read(GuestPhysicalAddress(kBase), buffer).ok());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
void bulk_write(benchmark::State& state) {
    Memory m;
    const std::vector<std::byte> buffer(static_cast<std::size_t>(state.range(0)), std::byte{1});
    for (auto _ : state) {
        benchmark::DoNotOptimize(m.memory.write(GuestPhysicalAddress(kBase), buffer).ok());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(bulk_memcpy)->RangeMultiplier(4)->Range(256, 1 << 20);
BENCHMARK(bulk_read)->RangeMultiplier(4)->Range(256, 1 << 20);
BENCHMARK(bulk_write)->RangeMultiplier(4)->Range(256, 1 << 20);

void bulk_read_past_the_end(benchmark::State& state) {
    Memory m;
    std::vector<std::byte> buffer(1 << 20);
    for (auto _ : state)
        if (m.memory.read(GuestPhysicalAddress(kBase + kBytes - 4096), buffer).ok())
            return state.SkipWithError("read past the end of guest memory");
}
BENCHMARK(bulk_read_past_the_end);

// 64 KiB in pieces of range(0) bytes, none beside its neighbour: a driver's list of buffers.
std::vector<Segment> pieces(std::uint32_t length) {
    std::vector<Segment> list;
    for (std::size_t i = 0; i < k64K / length; ++i)
        list.push_back({GuestPhysicalAddress(kBase + 2 * length * i), length});
    return list;
}
void gather(benchmark::State& state) {
    Memory m;
    const std::vector<Segment> list = pieces(static_cast<std::uint32_t>(state.range(0)));
    std::vector<std::byte> buffer(k64K);
    for (auto _ : state) {
        benchmark::DoNotOptimize(SegmentCursor(list).read(m.memory, buffer).ok());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k64K));
}
void scatter(benchmark::State& state) {
    Memory m;
    const std::vector<Segment> list = pieces(static_cast<std::uint32_t>(state.range(0)));
    const std::vector<std::byte> buffer(k64K, std::byte{1});
    for (auto _ : state) {
        benchmark::DoNotOptimize(SegmentCursor(list).write(m.memory, buffer).ok());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k64K));
}
BENCHMARK(gather)->Arg(512)->Arg(4096)->Arg(k64K);
BENCHMARK(scatter)->Arg(512)->Arg(4096)->Arg(k64K);

// ------------------------------------------------------------------------------------------ threads

// One machine's memory; each thread works on a part of its own, as the devices of a board do.
Memory& shared_memory() {
    static Memory memory;
    return memory;
}
GuestPhysicalAddress stripe_of(const benchmark::State& state) {
    return GuestPhysicalAddress(kBase + static_cast<std::uint64_t>(state.thread_index()) * kStripe);
}

void threads_read(benchmark::State& state) {
    GuestMemory& memory = shared_memory().memory;
    const GuestPhysicalAddress stripe = stripe_of(state);
    std::uint64_t at = 0;
    for (auto _ : state) {
        at = (at + 72) % k64K;
        benchmark::DoNotOptimize(memory.load<std::uint64_t>(stripe + at).value());
    }
}
void threads_write(benchmark::State& state) {
    GuestMemory& memory = shared_memory().memory;
    const GuestPhysicalAddress stripe = stripe_of(state);
    std::uint64_t at = 0;
    for (auto _ : state) {
        at = (at + 72) % k64K;
        benchmark::DoNotOptimize(memory.store<std::uint64_t>(stripe + at, at).ok());
    }
}
void threads_bulk_read(benchmark::State& state) {
    GuestMemory& memory = shared_memory().memory;
    const GuestPhysicalAddress stripe = stripe_of(state);
    std::vector<std::byte> buffer(k64K);
    for (auto _ : state) {
        benchmark::DoNotOptimize(memory.read(stripe, buffer).ok());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k64K));
}
BENCHMARK(threads_read)->ThreadRange(1, 16);
BENCHMARK(threads_write)->ThreadRange(1, 16);
BENCHMARK(threads_bulk_read)->ThreadRange(1, 16);

} // namespace

} // namespace ashlar::bench
