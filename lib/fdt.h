// The flattened device tree format. Specification: Devicetree Specification 0.4, chapter 5.
#pragma once

#include <cstdint>

namespace ashlar::fdt {

constexpr std::uint32_t kMagic = 0xd00dfeed;
constexpr std::uint32_t kVersion = 17;
constexpr std::uint32_t kLastCompatibleVersion = 16;

// Offsets of the header's big-endian 32-bit fields.
namespace header {
constexpr std::size_t kMagicField = 0, kTotalSize = 4, kStructureOffset = 8, kStringsOffset = 12,
                      kReservationOffset = 16, kVersionField = 20, kLastCompatible = 24, kBootCpu = 28,
                      kStringsSize = 32, kStructureSize = 36, kSize = 40;
}

// Tokens of the structure block, big-endian, 4-byte aligned.
enum class Token : std::uint32_t { BeginNode = 1, EndNode = 2, Property = 3, Nop = 4, End = 9 };

constexpr std::size_t kReservationEntrySize = 16; // address, size
constexpr std::size_t kPropertyHeaderSize = 8;    // length, offset of the name in the strings block
constexpr unsigned kMaxDepth = 32;                // of nodes; ours to choose

constexpr std::size_t align_cell(std::size_t offset) {
    return (offset + 3) & ~std::size_t{3};
}

} // namespace ashlar::fdt
