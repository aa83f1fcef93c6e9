#include "lib/crc32.h"

#include <array>

namespace ashlar {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t value = byte;
        for (unsigned bit = 0; bit < 8; ++bit)
            value = value >> 1 ^ ((value & 1) != 0 ? 0xedb8'8320u : 0);
        table[byte] = value;
    }
    return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

} // namespace

std::uint32_t crc32(Bytes bytes, std::uint32_t before) {
    std::uint32_t value = ~before;
    for (const std::byte byte : bytes)
        value = value >> 8 ^ kTable[(value ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
    return ~value;
}

} // namespace ashlar
