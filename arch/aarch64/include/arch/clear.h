// Zeros for memory that changes hands.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch {

// `bytes` is a multiple of 8.
inline void clear_words(void* to, std::size_t bytes) {
    auto* target = static_cast<std::byte*>(to);
    std::byte* const end = target + bytes;
    for (; end - target >= 16; target += 16)
        asm volatile("stp xzr, xzr, [%0]" : : "r"(target) : "memory");
    if (target != end)
        asm volatile("str xzr, [%0]" : : "r"(target) : "memory");
}

// Whole pages, by blocks of which a CPU need not read what was there (DC ZVA), where it has them.
inline void clear_pages(void* to, std::size_t bytes) {
    constexpr std::uint64_t kProhibited = 1 << 4;
    std::uint64_t identification;
    asm("mrs %0, dczid_el0" : "=r"(identification));
    if ((identification & kProhibited) != 0)
        return clear_words(to, bytes);
    const std::size_t block = std::size_t{4} << (identification & 0xf); // at most 2 KiB
    auto* target = static_cast<std::byte*>(to);
    for (std::byte* const end = target + bytes; target != end; target += block)
        asm volatile("dc zva, %0" : : "r"(target) : "memory");
}

} // namespace ashlar::arch
