// The two IEEE 754 binary formats of RV64D: bit patterns, their classes, NaN boxing.
#pragma once

#include <bit>
#include <cstdint>

namespace ashlar::jit::fp {

template <class BitsType, class HostType, int Precision, int MaximumExponent>
struct BinaryFormat {
    using Bits = BitsType;
    using Host = HostType;
    static constexpr int kPrecision = Precision; // with the hidden bit
    static constexpr int kMaximumExponent = MaximumExponent;
    static constexpr int kMinimumExponent = 1 - MaximumExponent;
    static constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
    static constexpr Bits kHidden = Bits{1} << (Precision - 1);
    static constexpr Bits kFraction = kHidden - 1;
    static constexpr Bits kQuiet = kHidden >> 1;
    static constexpr Bits kInfinity = static_cast<Bits>(kSign - 1) & ~kFraction;
    static constexpr Bits kNan = kInfinity | kQuiet; // canonical
    static constexpr Bits kMaximum = kInfinity - 1;  // the largest finite number
    static constexpr Bits kOne = static_cast<Bits>(MaximumExponent) << (Precision - 1);

    static constexpr bool is_negative(Bits a) { return (a & kSign) != 0; }
    static constexpr Bits magnitude(Bits a) { return a & ~kSign; }
    static constexpr bool is_nan(Bits a) { return magnitude(a) > kInfinity; }
    static constexpr bool is_signaling(Bits a) { return is_nan(a) && (a & kQuiet) == 0; }
    static constexpr bool is_infinity(Bits a) { return magnitude(a) == kInfinity; }
    static constexpr bool is_zero(Bits a) { return magnitude(a) == 0; }
    static constexpr Bits canonical(Bits a) { return is_nan(a) ? kNan : a; }
    static constexpr Bits with_sign(Bits magnitude, bool negative) {
        return negative ? magnitude | kSign : magnitude;
    }
    static Host to_host(Bits a) { return std::bit_cast<Host>(a); }
    static Bits from_host(Host a) { return std::bit_cast<Bits>(a); }
};

struct Single : BinaryFormat<std::uint32_t, float, 24, 127> {
    static constexpr std::uint64_t kBox = 0xFFFF'FFFF'0000'0000;
    static constexpr Bits from_register(std::uint64_t value) {
        return (value & kBox) == kBox ? static_cast<Bits>(value) : kNan;
    }
    static constexpr std::uint64_t to_register(Bits a) { return kBox | a; }
};
struct Double : BinaryFormat<std::uint64_t, double, 53, 1023> {
    static constexpr Bits from_register(std::uint64_t value) { return value; }
    static constexpr std::uint64_t to_register(Bits a) { return a; }
};
static_assert(Single::kNan == 0x7FC0'0000 && Single::kOne == 0x3F80'0000 && Single::kMaximum == 0x7F7F'FFFF);
static_assert(Double::kNan == 0x7FF8'0000'0000'0000 && Double::kOne == 0x3FF0'0000'0000'0000);

} // namespace ashlar::jit::fp
