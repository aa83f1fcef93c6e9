// What the pure integer operations compute: the reference for every tier, and the constant folder.
#pragma once

#include <bit>
#include <cstdint>

#include "jit/ir/operations.h"

namespace ashlar::jit::ir {

namespace evaluate_detail {

constexpr std::uint64_t sign_extend_word(std::uint64_t value) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(value)));
}

constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b, bool a_signed, bool b_signed) {
    std::uint64_t high = static_cast<std::uint64_t>(
        static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b) >> 64);
    if (a_signed && static_cast<std::int64_t>(a) < 0)
        high -= b;
    if (b_signed && static_cast<std::int64_t>(b) < 0)
        high -= a;
    return high;
}

// Division by zero gives all ones, or the dividend as the remainder; overflow gives the dividend and 0.
template <class Signed>
constexpr std::uint64_t divide_signed(std::uint64_t a, std::uint64_t b, bool remainder) {
    const Signed dividend = static_cast<Signed>(a), divisor = static_cast<Signed>(b);
    Signed result;
    if (divisor == 0)
        result = remainder ? dividend : Signed{-1};
    else if (divisor == -1)
        result = remainder ? Signed{0}
                           : static_cast<Signed>(std::uint64_t{0} - static_cast<std::uint64_t>(dividend));
    else
        result = remainder ? dividend % divisor : dividend / divisor;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(result));
}
template <class Unsigned>
constexpr Unsigned divide_unsigned(Unsigned a, Unsigned b, bool remainder) {
    if (b == 0)
        return remainder ? a : static_cast<Unsigned>(~Unsigned{0});
    return remainder ? a % b : a / b;
}

constexpr std::uint64_t or_combine_bytes(std::uint64_t a) {
    a |= (a & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f; // bit 7 of every byte that is not zero
    a = a >> 7 & 0x0101010101010101;
    return a * 0xff;
}

} // namespace evaluate_detail

// Shift amounts use the low six bits, five in word forms.
[[gnu::always_inline]] constexpr std::uint64_t evaluate(Opcode opcode, std::uint64_t a, std::uint64_t b) {
    using namespace evaluate_detail;
    const auto as = static_cast<std::int64_t>(a), bs = static_cast<std::int64_t>(b);
    const auto aw = static_cast<std::uint32_t>(a), bw = static_cast<std::uint32_t>(b);
    switch (opcode) {
    case Opcode::Add: return a + b;
    case Opcode::Subtract: return a - b;
    case Opcode::And: return a & b;
    case Opcode::Or: return a | b;
    case Opcode::Xor: return a ^ b;
    case Opcode::AndNot: return a & ~b;
    case Opcode::OrNot: return a | ~b;
    case Opcode::XorNot: return ~(a ^ b);
    case Opcode::ShiftLeft: return a << (b & 63);
    case Opcode::ShiftRight: return a >> (b & 63);
    case Opcode::ShiftRightSigned: return static_cast<std::uint64_t>(as >> (b & 63));
    case Opcode::RotateLeft: return std::rotl(a, static_cast<int>(b & 63));
    case Opcode::RotateRight: return std::rotr(a, static_cast<int>(b & 63));
    case Opcode::Less: return as < bs ? 1 : 0;
    case Opcode::LessUnsigned: return a < b ? 1 : 0;
    case Opcode::Minimum: return as < bs ? a : b;
    case Opcode::MinimumUnsigned: return a < b ? a : b;
    case Opcode::Maximum: return as < bs ? b : a;
    case Opcode::MaximumUnsigned: return a < b ? b : a;
    case Opcode::Multiply: return a * b;
    case Opcode::MultiplyHigh: return multiply_high(a, b, true, true);
    case Opcode::MultiplyHighMixed: return multiply_high(a, b, true, false);
    case Opcode::MultiplyHighUnsigned: return multiply_high(a, b, false, false);
    case Opcode::Divide: return divide_signed<std::int64_t>(a, b, false);
    case Opcode::DivideUnsigned: return divide_unsigned<std::uint64_t>(a, b, false);
    case Opcode::Remainder: return divide_signed<std::int64_t>(a, b, true);
    case Opcode::RemainderUnsigned: return divide_unsigned<std::uint64_t>(a, b, true);
    case Opcode::AddWord: return sign_extend_word(a + b);
    case Opcode::SubtractWord: return sign_extend_word(a - b);
    case Opcode::ShiftLeftWord: return sign_extend_word(aw << (bw & 31));
    case Opcode::ShiftRightWord: return sign_extend_word(aw >> (bw & 31));
    case Opcode::ShiftRightSignedWord:
        return sign_extend_word(static_cast<std::uint32_t>(static_cast<std::int32_t>(aw) >> (bw & 31)));
    case Opcode::RotateLeftWord: return sign_extend_word(std::rotl(aw, static_cast<int>(bw & 31)));
    case Opcode::RotateRightWord: return sign_extend_word(std::rotr(aw, static_cast<int>(bw & 31)));
    case Opcode::MultiplyWord: return sign_extend_word(aw * bw);
    case Opcode::DivideWord: return divide_signed<std::int32_t>(a, b, false);
    case Opcode::DivideUnsignedWord: return sign_extend_word(divide_unsigned(aw, bw, false));
    case Opcode::RemainderWord: return divide_signed<std::int32_t>(a, b, true);
    case Opcode::RemainderUnsignedWord: return sign_extend_word(divide_unsigned(aw, bw, true));
    case Opcode::ShiftAdd1: return (a << 1) + b;
    case Opcode::ShiftAdd2: return (a << 2) + b;
    case Opcode::ShiftAdd3: return (a << 3) + b;
    case Opcode::AddUnsignedWord: return std::uint64_t{aw} + b;
    case Opcode::ShiftAdd1UnsignedWord: return (std::uint64_t{aw} << 1) + b;
    case Opcode::ShiftAdd2UnsignedWord: return (std::uint64_t{aw} << 2) + b;
    case Opcode::ShiftAdd3UnsignedWord: return (std::uint64_t{aw} << 3) + b;
    case Opcode::ShiftLeftUnsignedWord: return std::uint64_t{aw} << (b & 63);
    case Opcode::BitSet: return a | std::uint64_t{1} << (b & 63);
    case Opcode::BitClear: return a & ~(std::uint64_t{1} << (b & 63));
    case Opcode::BitInvert: return a ^ std::uint64_t{1} << (b & 63);
    case Opcode::BitExtract: return a >> (b & 63) & 1;
    default: __builtin_unreachable();
    }
}

[[gnu::always_inline]] constexpr std::uint64_t evaluate(Opcode opcode, std::uint64_t a) {
    using namespace evaluate_detail;
    switch (opcode) {
    case Opcode::CountLeadingZeros: return static_cast<std::uint64_t>(std::countl_zero(a));
    case Opcode::CountTrailingZeros: return static_cast<std::uint64_t>(std::countr_zero(a));
    case Opcode::PopulationCount: return static_cast<std::uint64_t>(std::popcount(a));
    case Opcode::CountLeadingZerosWord:
        return static_cast<std::uint64_t>(std::countl_zero(static_cast<std::uint32_t>(a)));
    case Opcode::CountTrailingZerosWord:
        return static_cast<std::uint64_t>(std::countr_zero(static_cast<std::uint32_t>(a)));
    case Opcode::PopulationCountWord:
        return static_cast<std::uint64_t>(std::popcount(static_cast<std::uint32_t>(a)));
    case Opcode::SignExtend8:
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int8_t>(a)));
    case Opcode::SignExtend16:
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int16_t>(a)));
    case Opcode::ZeroExtend16: return static_cast<std::uint16_t>(a);
    case Opcode::OrCombineBytes: return or_combine_bytes(a);
    case Opcode::ReverseBytes: return __builtin_bswap64(a);
    default: __builtin_unreachable();
    }
}

} // namespace ashlar::jit::ir
