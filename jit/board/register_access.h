// Access to the parts of 64-bit registers by address.
#pragma once

#include <cstdint>

namespace ashlar::jit::board {

// The `width` bytes (4 or 8, aligned) that address `offset` names in a 64-bit little-endian register.
constexpr std::uint64_t part_of(std::uint64_t value, std::uint64_t offset, unsigned width) {
    if (width == 8)
        return value;
    return (offset & 4) != 0 ? value >> 32 : value & 0xffff'ffff;
}
constexpr void replace_part(std::uint64_t& value, std::uint64_t offset, unsigned width, std::uint64_t part) {
    if (width == 8)
        value = part;
    else if ((offset & 4) != 0)
        value = (value & 0xffff'ffff) | part << 32;
    else
        value = (value & ~std::uint64_t{0xffff'ffff}) | (part & 0xffff'ffff);
}

} // namespace ashlar::jit::board
