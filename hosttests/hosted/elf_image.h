// ELF files for tests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/bytes.h"

namespace ashlar::jit::hosted {

struct ElfSymbol {
    std::string_view name;
    std::uint64_t address, size;
};

// A riscv64 executable with one segment of code, whose entry is its start, and a symbol table. Symbols with a
// size are functions.
inline std::vector<std::byte> elf_image(std::uint64_t address, const std::vector<std::uint32_t>& code,
                                        const std::vector<ElfSymbol>& symbols) {
    constexpr std::size_t kSections = 64 + 56, kSymbols = kSections + 3 * 64;
    const std::size_t strings = kSymbols + symbols.size() * 24;
    std::vector<std::byte> image(strings + 1);
    const auto put = [&image](std::size_t at, auto value) { store_le(&image[at], value); };
    const auto u64 = [&put](std::size_t at, std::uint64_t value) { put(at, value); };
    const auto u32 = [&put](std::size_t at, std::uint32_t value) { put(at, value); };
    const auto u16 = [&put](std::size_t at, unsigned value) { put(at, static_cast<std::uint16_t>(value)); };
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const std::size_t at = kSymbols + i * 24;
        u32(at, static_cast<std::uint32_t>(image.size() - strings));
        image[at + 4] = std::byte{static_cast<unsigned char>(symbols[i].size != 0 ? 2 : 0)};
        u16(at + 6, 1);
        u64(at + 8, symbols[i].address);
        u64(at + 16, symbols[i].size);
        for (const char c : symbols[i].name)
            image.push_back(static_cast<std::byte>(c));
        image.push_back(std::byte{0});
    }
    const std::size_t strings_size = image.size() - strings, text = image.size();
    for (const std::uint32_t word : code) {
        image.resize(image.size() + 4);
        u32(image.size() - 4, word);
    }
    u32(0, 0x464c457f), u32(4, 0x00010102), u16(16, 2), u16(18, 243), u64(24, address);
    u64(32, 64), u64(40, kSections), u16(54, 56), u16(56, 1), u16(58, 64), u16(60, 3);
    u32(64, 1), u32(64 + 4, 7), u64(64 + 8, text), u64(64 + 16, address), u64(64 + 24, address);
    u64(64 + 32, code.size() * 4), u64(64 + 40, code.size() * 4 + 64);
    const auto section = [&](std::size_t i, unsigned type, std::size_t offset, std::size_t size,
                             unsigned link) {
        const std::size_t at = kSections + i * 64;
        u32(at + 4, type), u64(at + 24, offset), u64(at + 32, size), u32(at + 40, link);
    };
    section(1, 2, kSymbols, symbols.size() * 24, 2);
    section(2, 3, strings, strings_size, 0);
    return image;
}

} // namespace ashlar::jit::hosted
