// Instruction formats, the other way round from the decoder. Specification: Unprivileged ISA, section 2.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ashlar::jit::fuzz {

constexpr std::uint32_t bits(std::uint32_t value, unsigned low, unsigned width, unsigned to) {
    return (value >> low & ((1u << width) - 1)) << to;
}
constexpr std::uint32_t encode_branch_offset(std::uint32_t v) {
    return bits(v, 12, 1, 31) | bits(v, 5, 6, 25) | bits(v, 1, 4, 8) | bits(v, 11, 1, 7);
}
constexpr std::uint32_t encode_jump_offset(std::uint32_t v) {
    return bits(v, 20, 1, 31) | bits(v, 1, 10, 21) | bits(v, 11, 1, 20) | bits(v, 12, 8, 12);
}
constexpr std::uint16_t encode_compressed_branch_offset(std::uint32_t v) {
    return static_cast<std::uint16_t>(bits(v, 8, 1, 12) | bits(v, 3, 2, 10) | bits(v, 6, 2, 5) |
                                      bits(v, 1, 2, 3) | bits(v, 5, 1, 2));
}
constexpr std::uint16_t encode_compressed_jump_offset(std::uint32_t v) {
    return static_cast<std::uint16_t>(bits(v, 11, 1, 12) | bits(v, 4, 1, 11) | bits(v, 8, 2, 9) |
                                      bits(v, 10, 1, 8) | bits(v, 6, 1, 7) | bits(v, 7, 1, 6) |
                                      bits(v, 1, 3, 3) | bits(v, 5, 1, 2));
}
constexpr std::uint32_t encode_i(std::uint32_t opcode_and_funct3, unsigned rd, unsigned rs1,
                                 std::int64_t imm) {
    return opcode_and_funct3 | rd << 7 | rs1 << 15 | static_cast<std::uint32_t>(imm) << 20;
}
constexpr std::uint32_t encode_csr(unsigned funct3, unsigned rd, unsigned number, unsigned rs1) {
    return 0x73 | funct3 << 12 | rd << 7 | rs1 << 15 | number << 20;
}

inline void push_word(std::vector<std::uint16_t>& halves, std::uint32_t word) {
    halves.push_back(static_cast<std::uint16_t>(word));
    halves.push_back(static_cast<std::uint16_t>(word >> 16));
}
inline void or_word(std::vector<std::uint16_t>& halves, std::size_t at, std::uint32_t word) {
    halves[at] |= static_cast<std::uint16_t>(word);
    halves[at + 1] |= static_cast<std::uint16_t>(word >> 16);
}

} // namespace ashlar::jit::fuzz
