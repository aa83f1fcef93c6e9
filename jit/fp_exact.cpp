#include "jit/fp_exact.h"

#include <algorithm>
#include <bit>

namespace ashlar::jit::fp::exact {

namespace {

__extension__ using Wide = unsigned __int128;

// A finite number that is not zero: +-significand * 2^exponent with bit 63 of the significand set.
struct Unpacked {
    bool negative;
    std::uint64_t significand;
    int exponent;
};

template <class F>
Unpacked unpack(typename F::Bits a) {
    const int field = static_cast<int>(F::magnitude(a) >> (F::kPrecision - 1));
    std::uint64_t significand = a & F::kFraction;
    if (field != 0)
        significand |= F::kHidden;
    const int shift = std::countl_zero(significand);
    const int exponent = std::max(field, 1) - F::kMaximumExponent - (F::kPrecision - 1);
    return {F::is_negative(a), significand << shift, exponent - shift};
}

// Shifts right; the lowest bit of the result also stands for every bit lost.
Wide shift_right_sticky(Wide value, int count) {
    if (count == 0)
        return value;
    if (count >= 128)
        return value != 0 ? 1 : 0;
    const Wide lost = value << (128 - count);
    return value >> count | (lost != 0 ? 1 : 0);
}

// Packs +-value * 2^exponent, value not 0.
template <class F>
typename F::Bits pack_wide(bool negative, Wide value, int exponent, Rounding rounding, std::uint64_t& flags) {
    const auto high = static_cast<std::uint64_t>(value >> 64);
    if (high == 0)
        return round_and_pack<F>(negative, static_cast<std::uint64_t>(value), exponent, rounding, flags);
    const int drop = 64 - std::countl_zero(high);
    return round_and_pack<F>(negative, static_cast<std::uint64_t>(shift_right_sticky(value, drop)),
                             exponent + drop, rounding, flags);
}

template <class F>
typename F::Bits overflow(bool negative, Rounding rounding, std::uint64_t& flags) {
    flags |= kOverflow | kInexact;
    const bool away = rounding == Rounding::NearestEven || rounding == Rounding::NearestMaxMagnitude ||
                      rounding == (negative ? Rounding::Down : Rounding::Up);
    return F::with_sign(away ? F::kInfinity : F::kMaximum, negative);
}

template <class F>
typename F::Bits invalid(std::uint64_t& flags) {
    flags |= kInvalid;
    return F::kNan;
}

// Product and addend of which neither is zero, both finite: the sum, rounded once.
template <class F>
typename F::Bits add_product(const Unpacked& a, const Unpacked& b, const Unpacked& c, Rounding rounding,
                             std::uint64_t& flags) {
    // Two bits of headroom above both terms; below, the exact product leaves 22 bits free in the wider
    // format, so that bits are only lost where the other term is so much larger that at most one leading bit
    // cancels.
    const bool product_negative = a.negative != b.negative;
    Wide product = (Wide{a.significand} * b.significand) >> 2;
    int product_exponent = a.exponent + b.exponent + 2;
    Wide addend = Wide{c.significand} << 62;
    int addend_exponent = c.exponent - 62;
    if (product_exponent >= addend_exponent) {
        addend = shift_right_sticky(addend, product_exponent - addend_exponent);
        addend_exponent = product_exponent;
    } else {
        product = shift_right_sticky(product, addend_exponent - product_exponent);
    }
    if (product_negative == c.negative)
        return pack_wide<F>(c.negative, product + addend, addend_exponent, rounding, flags);
    if (product == addend)
        return F::with_sign(0, rounding == Rounding::Down);
    const bool product_larger = product > addend;
    return pack_wide<F>(product_larger ? product_negative : c.negative,
                        product_larger ? product - addend : addend - product, addend_exponent, rounding,
                        flags);
}

} // namespace

Rounded round_off(std::uint64_t significand, int drop, bool negative, Rounding rounding) {
    std::uint64_t value = 0, rest = significand, half = std::uint64_t{1} << 63;
    if (drop < 64) {
        value = significand >> drop;
        rest = significand & ((std::uint64_t{1} << drop) - 1);
        half = std::uint64_t{1} << (drop - 1);
    } else if (drop > 64) {
        rest = significand != 0 ? 1 : 0; // less than half of the last place
    }
    bool up = false;
    switch (rounding) {
    case Rounding::NearestEven: up = rest > half || (rest == half && (value & 1) != 0); break;
    case Rounding::NearestMaxMagnitude: up = rest >= half; break;
    case Rounding::Down: up = negative && rest != 0; break;
    case Rounding::Up: up = !negative && rest != 0; break;
    case Rounding::TowardZero: break;
    }
    return {value + (up ? 1 : 0), rest != 0};
}

template <class F>
typename F::Bits round_and_pack(bool negative, std::uint64_t significand, int exponent, Rounding rounding,
                                std::uint64_t& flags) {
    const int shift = std::countl_zero(significand);
    significand <<= shift;
    int leading = exponent - shift + 63; // the leading bit's weight
    constexpr int kDrop = 64 - F::kPrecision;
    const Rounded normal = round_off(significand, kDrop, negative, rounding);
    const bool carried = normal.value >> F::kPrecision != 0;

    if (leading < F::kMinimumExponent) {
        // Tiny unless rounding with an unbounded exponent would have reached the smallest normal number.
        const bool tiny = !(carried && leading == F::kMinimumExponent - 1);
        const int drop = kDrop + std::min(F::kMinimumExponent - leading, 64);
        const Rounded subnormal = round_off(significand, drop, negative, rounding);
        if (subnormal.inexact)
            flags |= tiny ? kUnderflow | kInexact : kInexact;
        return F::with_sign(static_cast<typename F::Bits>(subnormal.value), negative);
    }
    const std::uint64_t value = carried ? normal.value >> 1 : normal.value;
    leading += carried ? 1 : 0;
    if (leading > F::kMaximumExponent)
        return overflow<F>(negative, rounding, flags);
    if (normal.inexact)
        flags |= kInexact;
    const auto field = static_cast<typename F::Bits>(leading + F::kMaximumExponent);
    const auto fraction = static_cast<typename F::Bits>(value) & F::kFraction;
    return F::with_sign(static_cast<typename F::Bits>(field << (F::kPrecision - 1)) | fraction, negative);
}

template <class F>
typename F::Bits fused(typename F::Bits a, typename F::Bits b, typename F::Bits c, Rounding rounding,
                       std::uint64_t& flags) {
    const bool infinite_product = F::is_infinity(a) || F::is_infinity(b);
    const bool zero_product = F::is_zero(a) || F::is_zero(b);
    if (F::is_signaling(a) || F::is_signaling(b) || F::is_signaling(c))
        return invalid<F>(flags);
    if (infinite_product && zero_product) // also when c is a quiet NaN
        return invalid<F>(flags);
    if (F::is_nan(a) || F::is_nan(b) || F::is_nan(c))
        return F::kNan;
    const bool product_negative = F::is_negative(a) != F::is_negative(b);
    if (infinite_product) {
        if (F::is_infinity(c) && F::is_negative(c) != product_negative)
            return invalid<F>(flags);
        return F::with_sign(F::kInfinity, product_negative);
    }
    if (F::is_infinity(c))
        return c;
    if (zero_product) {
        if (!F::is_zero(c) || product_negative == F::is_negative(c))
            return c;
        return F::with_sign(0, rounding == Rounding::Down);
    }
    const Unpacked left = unpack<F>(a), right = unpack<F>(b);
    if (F::is_zero(c))
        return pack_wide<F>(product_negative, Wide{left.significand} * right.significand,
                            left.exponent + right.exponent, rounding, flags);
    return add_product<F>(left, right, unpack<F>(c), rounding, flags);
}

template <class F>
typename F::Bits divide(typename F::Bits a, typename F::Bits b, Rounding rounding, std::uint64_t& flags) {
    const bool negative = F::is_negative(a) != F::is_negative(b);
    if (F::is_signaling(a) || F::is_signaling(b))
        return invalid<F>(flags);
    if (F::is_nan(a) || F::is_nan(b))
        return F::kNan;
    if ((F::is_infinity(a) && F::is_infinity(b)) || (F::is_zero(a) && F::is_zero(b)))
        return invalid<F>(flags);
    if (F::is_infinity(a) || F::is_zero(b)) {
        if (!F::is_infinity(a))
            flags |= kDivideByZero;
        return F::with_sign(F::kInfinity, negative);
    }
    if (F::is_zero(a) || F::is_infinity(b))
        return F::with_sign(0, negative);
    // Long division, one bit a step: quotient = significand_a * 2^63 / significand_b, at least 2^62.
    const Unpacked dividend = unpack<F>(a), divisor = unpack<F>(b);
    Wide rest = dividend.significand;
    std::uint64_t quotient = 0;
    for (int i = 0; i < 64; ++i) {
        quotient <<= 1;
        if (rest >= divisor.significand) {
            rest -= divisor.significand;
            quotient |= 1;
        }
        rest <<= 1;
    }
    if (rest != 0)
        quotient |= 1;
    return round_and_pack<F>(negative, quotient, dividend.exponent - divisor.exponent - 63, rounding, flags);
}

template <class F>
typename F::Bits square_root(typename F::Bits a, Rounding rounding, std::uint64_t& flags) {
    if (F::is_signaling(a) || (F::is_negative(a) && !F::is_zero(a) && !F::is_nan(a)))
        return invalid<F>(flags);
    if (F::is_nan(a))
        return F::kNan;
    if (F::is_zero(a) || F::is_infinity(a))
        return a;
    // With an even exponent, the root of significand * 2^64, bit by bit until there is one to round with.
    Unpacked number = unpack<F>(a);
    if (number.exponent % 2 != 0) {
        number.significand >>= 1; // exact: the lowest bits are free
        number.exponent += 1;
    }
    const Wide radicand = Wide{number.significand} << 64;
    constexpr int kLastBit = 64 - F::kPrecision - 2;
    std::uint64_t root = 0;
    for (int bit = 63; bit >= kLastBit; --bit) {
        const std::uint64_t candidate = root | std::uint64_t{1} << bit;
        if (Wide{candidate} * candidate <= radicand)
            root = candidate;
    }
    if (Wide{root} * root != radicand)
        root |= 1;
    return round_and_pack<F>(false, root, (number.exponent - 64) / 2, rounding, flags);
}

namespace {

// The range of an integer type by magnitude, and what saturation yields as an x register.
struct IntegerRange {
    std::uint64_t positive_limit, negative_limit, maximum, minimum;
};
IntegerRange range_of(Integer type) {
    switch (type) {
    case Integer::Word: return {0x7FFF'FFFF, 0x8000'0000, 0x7FFF'FFFF, 0xFFFF'FFFF'8000'0000};
    case Integer::UnsignedWord: return {0xFFFF'FFFF, 0, ~std::uint64_t{0}, 0};
    case Integer::Long:
        return {~std::uint64_t{0} >> 1, std::uint64_t{1} << 63, ~std::uint64_t{0} >> 1,
                std::uint64_t{1} << 63};
    case Integer::UnsignedLong: return {~std::uint64_t{0}, 0, ~std::uint64_t{0}, 0};
    }
    return {};
}

std::uint64_t to_x_register(Integer type, std::uint64_t value) {
    const bool word = type == Integer::Word || type == Integer::UnsignedWord;
    return word ? static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(value)))
                : value;
}

} // namespace

template <class F>
std::uint64_t to_integer(Integer type, typename F::Bits a, Rounding rounding, std::uint64_t& flags) {
    const IntegerRange range = range_of(type);
    const bool negative = F::is_negative(a) && !F::is_nan(a);
    const auto saturate = [&] {
        flags |= kInvalid;
        return negative ? range.minimum : range.maximum;
    };
    if (F::is_zero(a))
        return 0;
    if (F::is_nan(a) || F::is_infinity(a))
        return saturate();
    const Unpacked number = unpack<F>(a);
    if (number.exponent > 0) // 2^64 or more
        return saturate();
    const Rounded rounded = number.exponent == 0
                                ? Rounded{number.significand, false}
                                : round_off(number.significand, -number.exponent, negative, rounding);
    if (rounded.value > (negative ? range.negative_limit : range.positive_limit))
        return saturate();
    if (rounded.inexact)
        flags |= kInexact;
    return to_x_register(type, negative ? 0 - rounded.value : rounded.value);
}

template <class F>
typename F::Bits from_integer(Integer type, std::uint64_t x, Rounding rounding, std::uint64_t& flags) {
    switch (type) {
    case Integer::Word: x = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(x)}); break;
    case Integer::UnsignedWord: x = static_cast<std::uint32_t>(x); break;
    case Integer::Long:
    case Integer::UnsignedLong: break;
    }
    if (x == 0)
        return 0;
    const bool is_signed = type == Integer::Word || type == Integer::Long;
    const bool negative = is_signed && static_cast<std::int64_t>(x) < 0;
    return round_and_pack<F>(negative, negative ? 0 - x : x, 0, rounding, flags);
}

namespace {

template <class To, class From>
typename To::Bits convert(typename From::Bits a, Rounding rounding, std::uint64_t& flags) {
    if (From::is_signaling(a))
        return invalid<To>(flags);
    if (From::is_nan(a))
        return To::kNan;
    if (From::is_infinity(a) || From::is_zero(a))
        return To::with_sign(From::is_zero(a) ? 0 : To::kInfinity, From::is_negative(a));
    const Unpacked number = unpack<From>(a);
    return round_and_pack<To>(number.negative, number.significand, number.exponent, rounding, flags);
}

} // namespace

Double::Bits to_double(Single::Bits a, std::uint64_t& flags) {
    return convert<Double, Single>(a, Rounding::NearestEven, flags);
}
Single::Bits to_single(Double::Bits a, Rounding rounding, std::uint64_t& flags) {
    return convert<Single, Double>(a, rounding, flags);
}

template Single::Bits round_and_pack<Single>(bool, std::uint64_t, int, Rounding, std::uint64_t&);
template Double::Bits round_and_pack<Double>(bool, std::uint64_t, int, Rounding, std::uint64_t&);
template Single::Bits fused<Single>(Single::Bits, Single::Bits, Single::Bits, Rounding, std::uint64_t&);
template Double::Bits fused<Double>(Double::Bits, Double::Bits, Double::Bits, Rounding, std::uint64_t&);
template Single::Bits divide<Single>(Single::Bits, Single::Bits, Rounding, std::uint64_t&);
template Double::Bits divide<Double>(Double::Bits, Double::Bits, Rounding, std::uint64_t&);
template Single::Bits square_root<Single>(Single::Bits, Rounding, std::uint64_t&);
template Double::Bits square_root<Double>(Double::Bits, Rounding, std::uint64_t&);
template std::uint64_t to_integer<Single>(Integer, Single::Bits, Rounding, std::uint64_t&);
template std::uint64_t to_integer<Double>(Integer, Double::Bits, Rounding, std::uint64_t&);
template Single::Bits from_integer<Single>(Integer, std::uint64_t, Rounding, std::uint64_t&);
template Double::Bits from_integer<Double>(Integer, std::uint64_t, Rounding, std::uint64_t&);

} // namespace ashlar::jit::fp::exact
