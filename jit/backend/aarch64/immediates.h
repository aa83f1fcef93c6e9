// Constants that instructions can hold.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "jit/backend/aarch64/registers.h"

namespace ashlar::jit::aarch64 {

constexpr std::uint64_t low_bits(unsigned count) {
    return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}
constexpr bool fits_signed(std::int64_t value, unsigned bits) {
    return value >= -(std::int64_t{1} << (bits - 1)) && value < std::int64_t{1} << (bits - 1);
}

// For ADD and SUB: 12 bits, maybe moved up by 12. The field with its shift bit, 13 bits.
constexpr std::optional<std::uint32_t> arithmetic_immediate(std::uint64_t value) {
    if (value < 0x1000)
        return static_cast<std::uint32_t>(value);
    if ((value & 0xfff) == 0 && value >> 12 < 0x1000)
        return static_cast<std::uint32_t>(0x1000 | value >> 12);
    return std::nullopt;
}

// For AND, ORR, EOR (Arm ARM, DecodeBitMasks): a run of ones, rotated, repeated in elements of 2 to 64 bits.
// The field N:immr:imms, 13 bits. Of `value` the width's bits count.
constexpr std::optional<std::uint32_t> logical_immediate(std::uint64_t value, Width width) {
    if (width == Width::W)
        value = (value & low_bits(32)) | value << 32;
    if (value == 0 || value == ~std::uint64_t{0})
        return std::nullopt;
    unsigned size = 64;
    while (size > 2 && (value & low_bits(size / 2)) == (value >> size / 2 & low_bits(size / 2)))
        size /= 2;
    const std::uint64_t element = value & low_bits(size);
    const auto ones = static_cast<unsigned>(std::popcount(element));
    // Rotated right so far that the run of ones begins at bit 0.
    for (unsigned rotation = 0; rotation < size; ++rotation) {
        const std::uint64_t rotated =
            rotation == 0 ? element : (element >> rotation | element << (size - rotation)) & low_bits(size);
        if (rotated == low_bits(ones)) {
            const unsigned immr = (size - rotation) % size;
            const unsigned imms = (~(2 * size - 1) & 0x3f) | (ones - 1);
            return static_cast<std::uint32_t>((size == 64 ? 1u << 12 : 0) | immr << 6 | (imms & 0x3f));
        }
    }
    return std::nullopt;
}

// For FMOV (Arm ARM, VFPExpandImm): +-(16 to 31)/16 times 2 to the power of -3 to 4, by the bits of a double.
constexpr std::optional<std::uint32_t> float_immediate(std::uint64_t bits) {
    const std::uint64_t exponent = bits >> 54 & 0x1ff; // with its inverted top bit, which is repeated
    if ((bits & low_bits(48)) != 0 || (exponent != 0x100 && exponent != 0x0ff))
        return std::nullopt;
    return static_cast<std::uint32_t>((bits >> 63) << 7 | (exponent == 0x0ff ? 1u : 0u) << 6 |
                                      (bits >> 48 & 0x3f));
}

} // namespace ashlar::jit::aarch64
