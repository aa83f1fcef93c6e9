// Division and remainder by constants: a multiplication whose upper half is the quotient. Granlund and
// Montgomery, Division by Invariant Integers using Multiplication, 1994.
#include <bit>

#include "jit/optimizer/fold.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

struct Quotient {
    std::uint64_t value, remainder;
};

// high * 2^64 / divisor, where high < divisor.
constexpr Quotient divide_wide(std::uint64_t high, std::uint64_t divisor) {
    Quotient result{0, high};
    for (int bit = 0; bit < 64; ++bit) {
        const bool carry = result.remainder >> 63 != 0;
        result.remainder <<= 1;
        result.value <<= 1;
        if (carry || result.remainder >= divisor) {
            result.remainder -= divisor;
            ++result.value;
        }
    }
    return result;
}

// Of what is no power of two: a quotient is the upper half of factor * dividend, to which the dividend is
// added where the factor has one bit more than fits, shifted.
struct Reciprocal {
    std::uint64_t factor;
    unsigned shift;
    bool adds;
};

// `bits` of the dividend count, 64 or, signed, 63.
constexpr Reciprocal reciprocal_of(std::uint64_t divisor, bool is_signed) {
    const auto log = static_cast<unsigned>(std::bit_width(divisor)) - 1;
    Quotient scaled = divide_wide(std::uint64_t{1} << (is_signed ? log - 1 : log), divisor);
    if (divisor - scaled.remainder <= std::uint64_t{1} << log)
        return {scaled.value + 1, is_signed ? log - 1 : log, false};
    const std::uint64_t twice = 2 * scaled.remainder;
    const bool carries = twice >= divisor || twice < scaled.remainder;
    return {2 * scaled.value + (carries ? 1 : 0) + 1, log, true};
}

static_assert(reciprocal_of(3, false).factor == 0xaaaaaaaaaaaaaaab && reciprocal_of(3, false).shift == 1);
static_assert(reciprocal_of(7, false).adds && reciprocal_of(7, false).factor == 0x2492492492492493);
static_assert(reciprocal_of(3, true).factor == 0x5555555555555556 && reciprocal_of(3, true).shift == 0);

} // namespace

NodeId Folder::constant_of(std::uint64_t value) {
    return constant(static_cast<std::int64_t>(value));
}

NodeId Folder::shifted(Opcode opcode, NodeId a, unsigned amount, BlockId block) {
    return amount == 0 ? a : binary(opcode, a, constant(amount), block);
}

NodeId Folder::quotient_unsigned(NodeId a, std::uint64_t divisor, BlockId block) {
    if (std::has_single_bit(divisor))
        return shifted(Opcode::ShiftRight, a, static_cast<unsigned>(std::countr_zero(divisor)), block);
    const Reciprocal by = reciprocal_of(divisor, false);
    const NodeId high = binary(Opcode::MultiplyHighUnsigned, a, constant_of(by.factor), block);
    if (!by.adds)
        return shifted(Opcode::ShiftRight, high, by.shift, block);
    // (a + high) / 2 without overflow
    const NodeId half = shifted(Opcode::ShiftRight, binary(Opcode::Subtract, a, high, block), 1, block);
    return shifted(Opcode::ShiftRight, binary(Opcode::Add, half, high, block), by.shift, block);
}

// Towards zero.
NodeId Folder::quotient_signed(NodeId a, std::uint64_t magnitude, BlockId block) {
    const NodeId sign = shifted(Opcode::ShiftRightSigned, a, 63, block);
    if (std::has_single_bit(magnitude)) {
        const auto log = static_cast<unsigned>(std::countr_zero(magnitude));
        if (log == 0)
            return a;
        const NodeId bias = shifted(Opcode::ShiftRight, sign, 64 - log, block);
        return shifted(Opcode::ShiftRightSigned, binary(Opcode::Add, a, bias, block), log, block);
    }
    const Reciprocal by = reciprocal_of(magnitude, true);
    NodeId high = binary(Opcode::MultiplyHigh, a, constant_of(by.factor), block);
    if (by.adds)
        high = binary(Opcode::Add, high, a, block);
    return binary(Opcode::Subtract, shifted(Opcode::ShiftRightSigned, high, by.shift, block), sign, block);
}

// Of an extended word: the product fits.
NodeId Folder::quotient_of_word(NodeId word, std::uint64_t magnitude, BlockId block) {
    if (std::has_single_bit(magnitude))
        return quotient_signed(word, magnitude, block);
    const auto log = static_cast<unsigned>(std::bit_width(magnitude)) - 1;
    const std::uint64_t factor = (std::uint64_t{1} << (32 + log)) / magnitude + 1;
    const NodeId product = binary(Opcode::Multiply, word, constant_of(factor), block);
    return binary(Opcode::SubtractWord, shifted(Opcode::ShiftRightSigned, product, 32 + log, block),
                  shifted(Opcode::ShiftRightSigned, word, 63, block), block);
}

NodeId Folder::divide(Opcode opcode, NodeId a, std::int64_t divisor, BlockId block) {
    const auto by = static_cast<std::uint64_t>(divisor);
    switch (opcode) {
    case Opcode::DivideUnsigned: return by == 0 ? constant(-1) : quotient_unsigned(a, by, block);
    case Opcode::Divide: {
        if (by == 0)
            return constant(-1);
        const NodeId quotient = quotient_signed(a, divisor < 0 ? 0 - by : by, block);
        return divisor < 0 ? binary(Opcode::Subtract, constant(0), quotient, block) : quotient;
    }
    case Opcode::DivideUnsignedWord: {
        const std::uint64_t low = by & 0xffff'ffff;
        if (low == 0)
            return constant(-1);
        if (std::has_single_bit(low))
            return binary(Opcode::ShiftRightWord, a, constant(std::countr_zero(low)), block);
        const NodeId word = binary(Opcode::AddUnsignedWord, a, constant(0), block);
        const NodeId factor = constant_of(~std::uint64_t{0} / low + 1);
        return binary(Opcode::AddWord, binary(Opcode::MultiplyHighUnsigned, word, factor, block), constant(0),
                      block);
    }
    default: break; // DivideWord
    }
    const std::int64_t low = static_cast<std::int32_t>(divisor);
    if (low == 0)
        return constant(-1);
    const NodeId word = binary(Opcode::AddWord, a, constant(0), block);
    const NodeId quotient = quotient_of_word(word, static_cast<std::uint64_t>(low < 0 ? -low : low), block);
    return low < 0 ? binary(Opcode::SubtractWord, constant(0), quotient, block) : quotient;
}

NodeId Folder::simplify_division(Opcode opcode, NodeId a, std::int64_t divisor, BlockId block) {
    switch (opcode) {
    case Opcode::Remainder:
    case Opcode::RemainderUnsigned: {
        if (divisor == 0)
            return a;
        const bool is_signed = opcode == Opcode::Remainder;
        if (!is_signed && std::has_single_bit(static_cast<std::uint64_t>(divisor)))
            return binary(Opcode::And, a, constant_of(static_cast<std::uint64_t>(divisor) - 1), block);
        const NodeId quotient =
            divide(is_signed ? Opcode::Divide : Opcode::DivideUnsigned, a, divisor, block);
        return binary(Opcode::Subtract, a, binary(Opcode::Multiply, quotient, constant(divisor), block),
                      block);
    }
    case Opcode::RemainderWord:
    case Opcode::RemainderUnsignedWord: {
        const auto low = static_cast<std::uint32_t>(divisor);
        if (low == 0)
            return binary(Opcode::AddWord, a, constant(0), block);
        const bool is_signed = opcode == Opcode::RemainderWord;
        if (!is_signed && std::has_single_bit(low))
            return binary(Opcode::And, a, constant(low - 1), block);
        const NodeId quotient =
            divide(is_signed ? Opcode::DivideWord : Opcode::DivideUnsignedWord, a, divisor, block);
        return binary(Opcode::SubtractWord, a,
                      binary(Opcode::MultiplyWord, quotient, constant(static_cast<std::int32_t>(low)), block),
                      block);
    }
    default: return divide(opcode, a, divisor, block);
    }
}

} // namespace ashlar::jit::optimizer
