// Random numbers biased towards corners.
#pragma once

#include <array>
#include <cstdint>
#include <random>

namespace ashlar::jit::fuzz {

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t next() { return engine_(); }
    // 0 .. bound - 1
    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    template <std::size_t N>
    std::uint64_t pick(const std::array<std::uint64_t, N>& values) {
        return values[below(N)];
    }

    std::uint64_t integer();
    std::uint64_t float_register(); // a double, a boxed single, or a single that is not boxed
    std::int64_t immediate12();

private:
    std::mt19937_64 engine_;
};

} // namespace ashlar::jit::fuzz
