// Bulk copies and fills in portable C++.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch {

struct __attribute__((packed, may_alias)) BulkWord {
    std::uint64_t value;
};

// Ascending, a word at a time: right for overlapping ranges too when `to` lies below `from`.
inline void copy_words(void* to, const void* from, std::size_t words) {
    for (std::size_t i = 0; i < words; ++i)
        static_cast<BulkWord*>(to)[i].value = static_cast<const BulkWord*>(from)[i].value;
}

inline void fill_words(void* to, std::uint64_t word, std::size_t words) {
    for (std::size_t i = 0; i < words; ++i)
        static_cast<BulkWord*>(to)[i].value = word;
}

} // namespace ashlar::arch
