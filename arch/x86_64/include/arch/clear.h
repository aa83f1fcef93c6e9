// Zeros for memory that changes hands. Which stores are best is measured by bench/clear.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch {

// Through the caches: for what is read soon. Words because emulators count each, where a CPU takes lines.
inline void clear_words(void* to, std::size_t bytes) {
    std::size_t words = bytes / sizeof(std::uint64_t);
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
}

// Past the caches, which keep what they have: for what is too large for them or read much later. `to` and
// `bytes` are multiples of 64.
inline void clear_past_caches(void* to, std::size_t bytes) {
    auto* line = static_cast<std::byte*>(to);
    for (std::byte* const end = line + bytes; line != end; line += 64)
        asm volatile("movnti %1, (%0)\n\t"
                     "movnti %1, 8(%0)\n\t"
                     "movnti %1, 16(%0)\n\t"
                     "movnti %1, 24(%0)\n\t"
                     "movnti %1, 32(%0)\n\t"
                     "movnti %1, 40(%0)\n\t"
                     "movnti %1, 48(%0)\n\t"
                     "movnti %1, 56(%0)"
                     :
                     : "r"(line), "r"(std::uint64_t{0})
                     : "memory");
    asm volatile("sfence" : : : "memory"); // before whoever is told that they are there
}

// Whole pages.
inline void clear_pages(void* to, std::size_t bytes) {
    constexpr std::size_t kSmall = 256 * 1024;
    if (bytes <= kSmall)
        clear_words(to, bytes);
    else
        clear_past_caches(to, bytes);
}

} // namespace ashlar::arch
