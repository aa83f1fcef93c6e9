// What the command line or the environment asks of the fuzz tests.
#pragma once

#include <cstdint>

namespace ashlar::jit::fuzz {

struct Options {
    std::uint64_t seed = 1;         // --seed=N or ASHLAR_FUZZ_SEED
    std::uint64_t program = 0;      // not 0: just the program of this seed, as a report names it: --program=N
    std::uint64_t programs = 20000; // of each kind: --programs=N or ASHLAR_FUZZ_PROGRAMS
};
extern Options options;

} // namespace ashlar::jit::fuzz
