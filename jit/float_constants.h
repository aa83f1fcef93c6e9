// Constants that host code computes floating point with. They lie in the hart's context: code moves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ashlar::jit {

enum class FloatConstant : std::uint8_t { SignD, SignS, MagnitudeD, MagnitudeS, NanD, NanS, Box };

struct FloatConstants {
    static constexpr std::uint64_t kBox = 0xffffffff00000000;
    // What an operand in memory of a packed instruction has, and is aligned to.
    static constexpr std::size_t kBytes = 16;
    struct alignas(kBytes) Value {
        std::uint64_t low = 0, high = 0;
    };
    // In the order of FloatConstant.
    std::array<Value, 7> values{Value{0x8000000000000000},
                                Value{0x80000000},
                                Value{0x7fffffffffffffff},
                                Value{0xffffffff7fffffff},
                                Value{0x7ff8000000000000},
                                Value{kBox | 0x7fc00000},
                                Value{kBox}};
};

} // namespace ashlar::jit
