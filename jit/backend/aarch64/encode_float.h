// Floating point as words (Arm Architecture Reference Manual, section C4.1.96).
#pragma once

#include "jit/backend/aarch64/encode_memory.h"

namespace ashlar::jit::aarch64 {

namespace detail {
constexpr Word floating(Word opcode, Precision precision, Vector d, Vector n) {
    return opcode | bits(precision, 22) | field(n, 5) | field(d, 0);
}
} // namespace detail

// Minima and maxima of numbers: a quiet NaN counts as missing.
enum class FloatTwo : std::uint8_t {
    Multiply = 0,
    Divide = 1,
    Add = 2,
    Subtract = 3,
    Maximum = 4,
    Minimum = 5,
    MaximumNumber = 6,
    MinimumNumber = 7,
    MultiplyNegated = 8,
};
constexpr Word float_two(FloatTwo op, Precision precision, Vector d, Vector n, Vector m) {
    return detail::floating(0x1e20'0800, precision, d, n) | detail::field(m, 16) | detail::bits(op, 12);
}

enum class FloatOne : std::uint8_t {
    Move = 0,
    Absolute = 1,
    Negate = 2,
    SquareRoot = 3,
    RoundNearestEven = 8,
    RoundUp = 9,
    RoundDown = 10,
    RoundTowardZero = 11,
    RoundNearestAway = 12,
    RoundExact = 14,   // by FPCR, and tells of inexact
    RoundCurrent = 15, // by FPCR
};
constexpr Word float_one(FloatOne op, Precision precision, Vector d, Vector n) {
    return detail::floating(0x1e20'4000, precision, d, n) | detail::bits(op, 15);
}
// To the other precision.
constexpr Word float_convert(Precision from, Vector d, Vector n) {
    return detail::floating(from == Precision::Single ? 0x1e22'c000 : 0x1e22'4000, from, d, n);
}

// a + n * m, a - n * m, and both negated; rounded once.
enum class Fused : std::uint8_t { Add, Subtract, NegatedAdd, NegatedSubtract };
constexpr Word float_fused(Fused op, Precision precision, Vector d, Vector n, Vector m, Vector a) {
    const auto number = static_cast<Word>(op);
    return detail::floating(0x1f00'0000, precision, d, n) | (number >> 1) << 21 | (number & 1) << 15 |
           detail::field(m, 16) | detail::field(a, 10);
}

// Sets the flags; `signaling`: a quiet NaN is an invalid operation, too.
constexpr Word float_compare(Precision precision, Vector n, Vector m, bool signaling) {
    return 0x1e20'2000 | detail::bits(precision, 22) | detail::field(m, 16) | detail::field(n, 5) |
           Word{signaling} << 4;
}
constexpr Word float_compare_zero(Precision precision, Vector n, bool signaling) {
    return 0x1e20'2008 | detail::bits(precision, 22) | detail::field(n, 5) | Word{signaling} << 4;
}
constexpr Word float_select(Precision precision, Vector d, Vector n, Vector m, Condition condition) {
    return detail::floating(0x1e20'0c00, precision, d, n) | detail::field(m, 16) |
           detail::bits(condition, 12);
}
// `value`: the bits of a double, of either precision.
constexpr Word float_constant(Precision precision, Vector d, std::uint64_t value) {
    return 0x1e20'1000 | detail::bits(precision, 22) | detail::checked(float_immediate(value)) << 13 |
           detail::field(d, 0);
}

// To integers, rounding so; what does not fit becomes the nearest that does, NaN 0.
enum class ToInteger : std::uint8_t { NearestEven = 0, Up = 1, Down = 2, TowardZero = 3, NearestAway = 4 };
constexpr Word float_to_integer(ToInteger rounding, bool is_signed, Width width, Precision precision,
                                Register d, Vector n) {
    const auto number = static_cast<Word>(rounding);
    const Word mode = number == 4 ? 4u << 16 : number << 19;
    return 0x1e20'0000 | detail::bits(width, 31) | detail::bits(precision, 22) | mode |
           (is_signed ? 0u : 1u << 16) | detail::field(n, 5) | detail::field(d, 0);
}
constexpr Word integer_to_float(bool is_signed, Width width, Precision precision, Vector d, Register n) {
    return (is_signed ? 0x1e22'0000 : 0x1e23'0000) | detail::bits(width, 31) | detail::bits(precision, 22) |
           detail::field(n, 5) | detail::field(d, 0);
}
// The bits, between registers of the same size.
constexpr Word float_from_bits(Precision precision, Vector d, Register n) {
    const Word size = precision == Precision::Double ? 1 : 0;
    return 0x1e27'0000 | size << 31 | size << 22 | detail::field(n, 5) | detail::field(d, 0);
}
constexpr Word float_to_bits(Precision precision, Register d, Vector n) {
    const Word size = precision == Precision::Double ? 1 : 0;
    return 0x1e26'0000 | size << 31 | size << 22 | detail::field(n, 5) | detail::field(d, 0);
}

// At base + offset, a multiple of the size up to 4095 times it; at base + index.
constexpr Word float_access(bool load, Precision precision, Vector t, Register base, std::uint32_t offset) {
    const unsigned size = precision == Precision::Double ? 3 : 2;
    ASHLAR_ASSERT(offset >> size << size == offset && offset >> size < 0x1000);
    return 0x3d00'0000 | size << 30 | Word{load} << 22 | (offset >> size) << 10 | detail::field(base, 5) |
           detail::field(t, 0);
}
constexpr Word float_access(bool load, Precision precision, Vector t, Register base, Register index,
                            Extend extend, bool scaled) {
    ASHLAR_ASSERT((static_cast<unsigned>(extend) & 2) != 0);
    return 0x3c20'0800 | (precision == Precision::Double ? 3u : 2u) << 30 | Word{load} << 22 |
           detail::field(index, 16) | detail::bits(extend, 13) | Word{scaled} << 12 | detail::field(base, 5) |
           detail::field(t, 0);
}

} // namespace ashlar::jit::aarch64
