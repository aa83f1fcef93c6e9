// Bulk copies and fills by pairs of registers. Alignment does not matter to normal memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch {

// Ascending, a word at a time: right for overlapping ranges too when `to` lies below `from`.
// Two words are loaded before they are stored: what the stores overwrite has been read.
inline void copy_words(void* to, const void* from, std::size_t words) {
    auto* target = static_cast<std::byte*>(to);
    auto* source = static_cast<const std::byte*>(from);
    std::uint64_t first, second;
    for (; words >= 2; words -= 2)
        asm volatile("ldp %0, %1, [%3], #16\n\t"
                     "stp %0, %1, [%2], #16"
                     : "=&r"(first), "=&r"(second), "+r"(target), "+r"(source)
                     :
                     : "memory");
    if (words != 0)
        asm volatile("ldr %0, [%2]\n\t"
                     "str %0, [%1]"
                     : "=&r"(first)
                     : "r"(target), "r"(source)
                     : "memory");
}

inline void fill_words(void* to, std::uint64_t word, std::size_t words) {
    auto* target = static_cast<std::byte*>(to);
    for (; words >= 2; words -= 2)
        asm volatile("stp %1, %1, [%0], #16" : "+r"(target) : "r"(word) : "memory");
    if (words != 0)
        asm volatile("str %1, [%0]" : : "r"(target), "r"(word) : "memory");
}

} // namespace ashlar::arch
