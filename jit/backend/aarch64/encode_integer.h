// Instructions on general registers as words (Arm Architecture Reference Manual, sections C4.1.93 and
// C4.1.95). Operands that an instruction cannot hold are bugs of the caller's.
#pragma once

#include "jit/backend/aarch64/immediates.h"
#include "lib/assert.h"

namespace ashlar::jit::aarch64 {

using Word = std::uint32_t;

namespace detail {
constexpr Word field(Register reg, unsigned shift) {
    return Word{static_cast<std::uint8_t>(reg)} << shift;
}
constexpr Word field(Vector reg, unsigned shift) {
    return Word{static_cast<std::uint8_t>(reg)} << shift;
}
template <class Enumeration>
constexpr Word bits(Enumeration value, unsigned shift) {
    return static_cast<Word>(value) << shift;
}
constexpr Word three(Word opcode, Width width, Register d, Register n, Register m) {
    return opcode | bits(width, 31) | field(m, 16) | field(n, 5) | field(d, 0);
}
constexpr Word two(Word opcode, Width width, Register d, Register n) {
    return opcode | bits(width, 31) | field(n, 5) | field(d, 0);
}
constexpr unsigned size_of(Width width) {
    return width == Width::X ? 64 : 32;
}
constexpr Word checked(std::optional<Word> immediate) {
    ASHLAR_ASSERT(immediate.has_value());
    return *immediate;
}
} // namespace detail

// Arithmetic. The immediate forms take the stack pointer for 31 (but for what sets flags).
enum class Arithmetic : std::uint8_t { Add, AddFlags, Sub, SubFlags };
constexpr Word arithmetic(Arithmetic op, Width width, Register d, Register n, std::uint64_t immediate) {
    return detail::two(0x1100'0000, width, d, n) | detail::bits(op, 29) |
           detail::checked(arithmetic_immediate(immediate)) << 10;
}
constexpr Word arithmetic(Arithmetic op, Width width, Register d, Register n, Register m,
                          Shift shift = Shift::Left, unsigned amount = 0) {
    ASHLAR_ASSERT(shift != Shift::RotateRight && amount < detail::size_of(width));
    return detail::three(0x0b00'0000, width, d, n, m) | detail::bits(op, 29) | detail::bits(shift, 22) |
           amount << 10;
}
constexpr Word arithmetic(Arithmetic op, Width width, Register d, Register n, Register m, Extend extend,
                          unsigned amount) {
    ASHLAR_ASSERT(amount <= 4);
    return detail::three(0x0b20'0000, width, d, n, m) | detail::bits(op, 29) | detail::bits(extend, 13) |
           amount << 10;
}
constexpr Word add_with_carry(Arithmetic op, Width width, Register d, Register n, Register m) {
    return detail::three(0x1a00'0000, width, d, n, m) | detail::bits(op, 29);
}

// Logic. With `invert` the second operand is.
enum class Logical : std::uint8_t { And, Orr, Eor, AndFlags };
constexpr Word logical(Logical op, Width width, Register d, Register n, std::uint64_t immediate) {
    return detail::two(0x1200'0000, width, d, n) | detail::bits(op, 29) |
           detail::checked(logical_immediate(immediate, width)) << 10;
}
constexpr Word logical(Logical op, Width width, Register d, Register n, Register m, bool invert = false,
                       Shift shift = Shift::Left, unsigned amount = 0) {
    ASHLAR_ASSERT(amount < detail::size_of(width));
    return detail::three(0x0a00'0000, width, d, n, m) | detail::bits(op, 29) | detail::bits(shift, 22) |
           Word{invert} << 21 | amount << 10;
}
constexpr Word move(Width width, Register d, Register m) {
    return logical(Logical::Orr, width, d, kZero, m);
}

// Constants: 16 bits at a multiple of 16, the others one (Not), zero, or kept.
enum class MoveWide : std::uint8_t { Not = 0, Zero = 2, Keep = 3 };
constexpr Word move_wide(MoveWide op, Width width, Register d, std::uint16_t value, unsigned shift = 0) {
    ASHLAR_ASSERT(shift % 16 == 0 && shift < detail::size_of(width));
    return 0x1280'0000 | detail::bits(width, 31) | detail::bits(op, 29) | shift / 16 << 21 |
           Word{value} << 5 | detail::field(d, 0);
}

// Bit fields: SBFM, BFM, UBFM, of which shifts by constants and extensions are made.
enum class BitField : std::uint8_t { Signed, Insert, Unsigned };
constexpr Word bit_field(BitField op, Width width, Register d, Register n, unsigned immr, unsigned imms) {
    ASHLAR_ASSERT(immr < detail::size_of(width) && imms < detail::size_of(width));
    return detail::two(0x1300'0000, width, d, n) | detail::bits(op, 29) | detail::bits(width, 22) |
           immr << 16 | imms << 10;
}
constexpr Word shift_left(Width width, Register d, Register n, unsigned amount) {
    const unsigned size = detail::size_of(width);
    return bit_field(BitField::Unsigned, width, d, n, (size - amount) % size, size - 1 - amount);
}
constexpr Word shift_right(Width width, Register d, Register n, unsigned amount) {
    return bit_field(BitField::Unsigned, width, d, n, amount, detail::size_of(width) - 1);
}
constexpr Word shift_right_arithmetic(Width width, Register d, Register n, unsigned amount) {
    return bit_field(BitField::Signed, width, d, n, amount, detail::size_of(width) - 1);
}
constexpr Word sign_extend(Register d, Register n, unsigned from_bits) {
    return bit_field(BitField::Signed, Width::X, d, n, 0, from_bits - 1);
}
constexpr Word zero_extend(Register d, Register n, unsigned from_bits) {
    return bit_field(BitField::Unsigned, Width::W, d, n, 0, from_bits - 1);
}
// The low bits of n:m from `lowest` on; with n and m the same a rotation.
constexpr Word extract(Width width, Register d, Register n, Register m, unsigned lowest) {
    ASHLAR_ASSERT(lowest < detail::size_of(width));
    return detail::three(0x1380'0000, width, d, n, m) | detail::bits(width, 22) | lowest << 10;
}

// Two operands; shifts take the amount modulo the width.
enum class TwoSource : std::uint8_t {
    UnsignedDivide = 2,
    SignedDivide = 3,
    ShiftLeft = 8,
    ShiftRight = 9,
    ShiftRightArithmetic = 10,
    RotateRight = 11,
};
constexpr Word two_source(TwoSource op, Width width, Register d, Register n, Register m) {
    return detail::three(0x1ac0'0000, width, d, n, m) | detail::bits(op, 10);
}

// a +- n * m.
constexpr Word multiply_add(Width width, Register d, Register n, Register m, Register a = kZero) {
    return detail::three(0x1b00'0000, width, d, n, m) | detail::field(a, 10);
}
constexpr Word multiply_subtract(Width width, Register d, Register n, Register m, Register a = kZero) {
    return detail::three(0x1b00'8000, width, d, n, m) | detail::field(a, 10);
}
// Of 32-bit factors, 64 bits.
constexpr Word multiply_add_long(bool is_signed, Register d, Register n, Register m, Register a = kZero) {
    return detail::three(is_signed ? 0x1b20'0000 : 0x1ba0'0000, Width::X, d, n, m) | detail::field(a, 10);
}
// The upper 64 bits of a product.
constexpr Word multiply_high(bool is_signed, Register d, Register n, Register m) {
    return detail::three(is_signed ? 0x1b40'7c00 : 0x1bc0'7c00, Width::X, d, n, m);
}

enum class OneSource : std::uint8_t {
    ReverseBits = 0,
    ReverseBytesOfHalves = 1,
    ReverseBytesOfWords = 2, // of the whole with Width::W
    ReverseBytes = 3,        // Width::X
    CountLeadingZeros = 4,
    CountLeadingSigns = 5,
};
constexpr Word one_source(OneSource op, Width width, Register d, Register n) {
    return detail::two(0x5ac0'0000, width, d, n) | detail::bits(op, 10);
}

// n when the condition holds, else m, m + 1, ~m, -m.
enum class Select : std::uint8_t { Plain, Increment, Invert, Negate };
constexpr Word select(Select op, Width width, Register d, Register n, Register m, Condition condition) {
    const auto number = static_cast<Word>(op);
    return detail::three(0x1a80'0000, width, d, n, m) | (number >> 1) << 30 | (number & 1) << 10 |
           detail::bits(condition, 12);
}
constexpr Word set_if(Width width, Register d, Condition condition) {
    return select(Select::Increment, width, d, kZero, kZero, inverse(condition));
}
// Compares when the condition holds, else sets the flags NZCV to `flags`.
constexpr Word compare_if(bool negated, Width width, Register n, Register m, unsigned flags,
                          Condition condition) {
    ASHLAR_ASSERT(flags < 16);
    return (negated ? 0x3a40'0000 : 0x7a40'0000) | detail::bits(width, 31) | detail::field(m, 16) |
           detail::bits(condition, 12) | detail::field(n, 5) | flags;
}
constexpr Word compare_if(bool negated, Width width, Register n, unsigned immediate, unsigned flags,
                          Condition condition) {
    ASHLAR_ASSERT(immediate < 32 && flags < 16);
    return (negated ? 0x3a40'0800 : 0x7a40'0800) | detail::bits(width, 31) | immediate << 16 |
           detail::bits(condition, 12) | detail::field(n, 5) | flags;
}

} // namespace ashlar::jit::aarch64
