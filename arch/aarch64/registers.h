// System registers by their names.
#pragma once

#include <cstdint>

#define READ_REGISTER(name)                                                                                  \
    ([] {                                                                                                    \
        std::uint64_t value_;                                                                                \
        asm volatile("mrs %0, " #name : "=r"(value_));                                                       \
        return value_;                                                                                       \
    }())
#define WRITE_REGISTER(name, value)                                                                          \
    asm volatile("msr " #name ", %x0" : : "rZ"(static_cast<std::uint64_t>(value)) : "memory")

namespace ashlar::arch {

// What was written to system registers holds for what follows.
inline void synchronize_context() {
    asm volatile("isb" : : : "memory");
}

// A field of an ID register: four bits from `shift` on.
constexpr unsigned id_field(std::uint64_t value, unsigned shift) {
    return static_cast<unsigned>(value >> shift & 0xf);
}

} // namespace ashlar::arch
