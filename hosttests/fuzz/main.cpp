// Usage: fuzz [--seed=N] [--programs=N] [--program=SEED] [--passes=MASK] [--piece=N] [--cache=BYTES]
// [GoogleTest's options]
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "hosttests/fuzz/options.h"

namespace ashlar::jit::fuzz {

Options options;

namespace {

void read_option(int argc, char** argv, const char* prefix, const char* variable, std::uint64_t& value) {
    if (const char* text = std::getenv(variable))
        value = std::strtoull(text, nullptr, 0);
    for (int i = 1; i < argc; ++i)
        if (std::strncmp(argv[i], prefix, std::strlen(prefix)) == 0)
            value = std::strtoull(argv[i] + std::strlen(prefix), nullptr, 0);
}

} // namespace

} // namespace ashlar::jit::fuzz

int main(int argc, char** argv) {
    using namespace ashlar::jit::fuzz;
    testing::InitGoogleTest(&argc, argv);
    read_option(argc, argv, "--seed=", "ASHLAR_FUZZ_SEED", options.seed);
    read_option(argc, argv, "--programs=", "ASHLAR_FUZZ_PROGRAMS", options.programs);
    read_option(argc, argv, "--program=", "ASHLAR_FUZZ_PROGRAM", options.program);
    read_option(argc, argv, "--passes=", "ASHLAR_FUZZ_PASSES", options.passes);
    read_option(argc, argv, "--piece=", "ASHLAR_FUZZ_PIECE", options.piece);
    read_option(argc, argv, "--cache=", "ASHLAR_FUZZ_CACHE", options.cache);
    if (options.program != 0)
        options.programs = 1;
    std::printf("fuzz: seed %llu, %llu programs of each kind\n",
                static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(options.programs));
    return RUN_ALL_TESTS();
}
