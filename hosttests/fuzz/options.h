// What the command line or the environment asks of the fuzz tests.
#pragma once

#include <cstdint>

namespace ashlar::jit::fuzz {

struct Options {
    std::uint64_t seed = 1;        // --seed=N or ASHLAR_FUZZ_SEED
    std::uint64_t program = 0;     // not 0: just the program of this seed, as a report names it: --program=N
    std::uint64_t programs = 6000; // of each kind: --programs=N or ASHLAR_FUZZ_PROGRAMS
    // With ASHLAR_TEST_TIER=2: the passes of the optimizer (a mask), else a random choice for each batch:
    // --passes=N or ASHLAR_FUZZ_PASSES. How many instructions run at once, in the same way: --piece=N or
    // ASHLAR_FUZZ_PIECE.
    std::uint64_t passes = kAny, piece = kAny;
    // Memory for translations, in the same way: --cache=BYTES or ASHLAR_FUZZ_CACHE.
    std::uint64_t cache = kAny;
    static constexpr std::uint64_t kAny = ~std::uint64_t{0};
};
extern Options options;

} // namespace ashlar::jit::fuzz
