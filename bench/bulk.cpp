// What is done to many bytes: one word at a time against string instructions, AVX2, AVX-512 and the C
// library.
#include "bench/bulk_kernels.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

namespace ashlar::bench {

namespace {

// Two areas on pages of their own, the second not at the first's place within a page.
class Areas {
public:
    explicit Areas(std::size_t bytes)
        : memory_(static_cast<Byte*>(std::aligned_alloc(kAlignment, 2 * (bytes + kAlignment)))),
          bytes_(bytes) {
        for (std::size_t i = 0; i < bytes; ++i)
            from()[i] = static_cast<Byte>(i * 7 + i / 251);
        std::memset(to(), 0, bytes);
    }
    ~Areas() { std::free(memory_); }
    Areas(const Areas&) = delete;
    Areas& operator=(const Areas&) = delete;
    Byte* from() { return memory_; }
    Byte* to() { return memory_ + bytes_ + kAlignment + 256; }

private:
    static constexpr std::size_t kAlignment = 4096;
    Byte* memory_;
    std::size_t bytes_;
};

// A candidate that computes something else is not measured.
template <class IsRight, class Work>
void measure(benchmark::State& state, IsRight is_right, Work work) {
    if (!is_right())
        return state.SkipWithError("wrong result");
    for (auto _ : state) {
        work();
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

template <auto Copy>
void copy(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    Areas areas(size);
    measure(
        state,
        [&] {
            Copy(areas.to(), areas.from(), size);
            return std::memcmp(areas.to(), areas.from(), size) == 0;
        },
        [&] { Copy(areas.to(), areas.from(), size); });
}

template <auto Fill>
void fill(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    Areas areas(size);
    measure(
        state,
        [&] {
            Fill(areas.to(), 0xa5, size);
            return areas.to()[0] == 0xa5 && std::memcmp(areas.to(), areas.to() + 1, size - 1) == 0;
        },
        [&] { Fill(areas.to(), 0xa5, size); });
}

template <auto Equal>
void compare(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    Areas areas(size);
    std::memcpy(areas.to(), areas.from(), size);
    measure(
        state,
        [&] {
            areas.to()[size - 1] ^= 1;
            const bool found = !Equal(areas.to(), areas.from(), size);
            areas.to()[size - 1] ^= 1;
            return found && Equal(areas.to(), areas.from(), size);
        },
        [&] { benchmark::DoNotOptimize(Equal(areas.to(), areas.from(), size)); });
}

// Two bytes at a time, as the definition has it.
std::uint16_t checksum_by_definition(const Byte* from, std::size_t bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes; i += 2)
        sum += static_cast<std::uint64_t>(from[i] | from[i + 1] << 8);
    return fold(sum);
}

template <auto Checksum>
void checksum(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    Areas areas(size);
    measure(
        state, [&] { return Checksum(areas.from(), size) == checksum_by_definition(areas.from(), size); },
        [&] { benchmark::DoNotOptimize(Checksum(areas.from(), size)); });
}

// By candidate: what the CPU lacks is left out.
void add(const char* name, void (*run)(benchmark::State&), bool supported = true) {
    if (supported)
        benchmark::RegisterBenchmark(name, run)->Arg(256)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);
}

[[maybe_unused]] const bool added = [] {
    const bool avx2 = __builtin_cpu_supports("avx2") != 0;
    const bool avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
    add("copy/scalar", copy<copy_scalar>);
    add("copy/movsb", copy<copy_movsb>);
    add("copy/movsq", copy<copy_movsq>);
    add("copy/avx2", copy<copy_avx2>, avx2);
    add("copy/avx512", copy<copy_avx512>, avx512);
    add("copy/libc", copy<copy_libc>);
    add("fill/scalar", fill<fill_scalar>);
    add("fill/stosb", fill<fill_stosb>);
    add("fill/stosq", fill<fill_stosq>);
    add("fill/avx2", fill<fill_avx2>, avx2);
    add("fill/avx512", fill<fill_avx512>, avx512);
    add("fill/libc", fill<fill_libc>);
    add("compare/scalar", compare<equal_scalar>);
    add("compare/avx2", compare<equal_avx2>, avx2);
    add("compare/avx512", compare<equal_avx512>, avx512);
    add("compare/libc", compare<equal_libc>);
    add("checksum/scalar", checksum<checksum_scalar>);
    add("checksum/avx2", checksum<checksum_avx2>, avx2);
    add("checksum/avx512", checksum<checksum_avx512>, avx512);
    return true;
}();

} // namespace

} // namespace ashlar::bench
