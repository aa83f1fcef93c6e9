// Guest instructions per second on three kernels, in S-mode under Sv39.
#include <benchmark/benchmark.h>

#include "bench/guest_program.h"

namespace ashlar::bench {

namespace {

void run_kernel(benchmark::State& state, const char* name, std::uint64_t repeat) {
    GuestProgram program(name, repeat);
    if (!program.ok())
        return state.SkipWithError("the kernel is missing: make guest-bench");
    std::uint64_t instructions = 0;
    for (auto _ : state) {
        state.PauseTiming();
        program.reset();
        state.ResumeTiming();
        const std::uint64_t executed = program.run();
        if (executed == 0)
            return state.SkipWithError("the kernel failed");
        instructions += executed;
    }
    state.counters["instructions"] =
        benchmark::Counter(static_cast<double>(instructions), benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(run_kernel, coremix, "coremix", 600)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run_kernel, dhry, "dhry", 200'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run_kernel, sha256, "sha256", 250)->Unit(benchmark::kMillisecond);

} // namespace

} // namespace ashlar::bench
