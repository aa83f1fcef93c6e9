// Entries of page tables that CPUs may be walking: read and written whole and in order.
#pragma once

#include <cstdint>

namespace ashlar {

inline std::uint64_t load_entry(const std::uint64_t& entry) {
    return __atomic_load_n(&entry, __ATOMIC_RELAXED);
}
// A walk that finds the entry finds everything that was stored before, too.
inline void store_entry(std::uint64_t& entry, std::uint64_t value) {
    __atomic_store_n(&entry, value, __ATOMIC_RELEASE);
}
// Stores `value` unless the entry is not `expected` any more, which then becomes what it is.
inline bool compare_exchange_entry(std::uint64_t& entry, std::uint64_t& expected, std::uint64_t value) {
    return __atomic_compare_exchange_n(&entry, &expected, value, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

} // namespace ashlar
