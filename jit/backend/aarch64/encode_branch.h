// Branches and what concerns the system as words (Arm Architecture Reference Manual, section C4.1.92).
// Distances are in bytes, from the instruction itself.
#pragma once

#include "jit/backend/aarch64/encode_integer.h"

namespace ashlar::jit::aarch64 {

namespace detail {
// A distance in words of so many bits.
constexpr Word distance(std::int64_t bytes, unsigned bits, unsigned shift) {
    ASHLAR_ASSERT(bytes % 4 == 0 && fits_signed(bytes / 4, bits));
    return (static_cast<Word>(bytes / 4) & static_cast<Word>(low_bits(bits))) << shift;
}
} // namespace detail

constexpr Word branch(std::int64_t to, bool link = false) {
    return (link ? 0x9400'0000 : 0x1400'0000) | detail::distance(to, 26, 0);
}
constexpr Word branch_if(Condition condition, std::int64_t to) {
    return 0x5400'0000 | detail::distance(to, 19, 5) | detail::bits(condition, 0);
}
constexpr Word branch_if_zero(Width width, Register t, std::int64_t to, bool zero = true) {
    return (zero ? 0x3400'0000 : 0x3500'0000) | detail::bits(width, 31) | detail::distance(to, 19, 5) |
           detail::field(t, 0);
}
constexpr Word branch_if_bit(Register t, unsigned bit, std::int64_t to, bool set) {
    ASHLAR_ASSERT(bit < 64);
    return (set ? 0x3700'0000 : 0x3600'0000) | (bit >> 5) << 31 | (bit & 31) << 19 |
           detail::distance(to, 14, 5) | detail::field(t, 0);
}
enum class Indirect : std::uint8_t { Jump, Call, Return };
constexpr Word branch_to(Indirect kind, Register n) {
    return 0xd61f'0000 | detail::bits(kind, 21) | detail::field(n, 5);
}
// An address near the instruction; one of a page of 4 KiB near its page.
constexpr Word address_of(Register d, std::int64_t to) {
    ASHLAR_ASSERT(fits_signed(to, 21));
    return 0x1000'0000 | (static_cast<Word>(to) & 3) << 29 | (static_cast<Word>(to >> 2) & 0x7'ffff) << 5 |
           detail::field(d, 0);
}
constexpr Word page_of(Register d, std::int64_t pages) {
    return address_of(d, pages) | 1u << 31;
}

constexpr Word kNothing = 0xd503'201f;
constexpr Word supervisor_call(std::uint16_t number) {
    return 0xd400'0001 | Word{number} << 5;
}
constexpr Word hypervisor_call(std::uint16_t number) {
    return 0xd400'0002 | Word{number} << 5;
}
constexpr Word breakpoint(std::uint16_t number) {
    return 0xd420'0000 | Word{number} << 5;
}

// System registers: op0 (2 or 3), op1, CRn, CRm, op2.
struct SystemRegister {
    std::uint8_t op0, op1, crn, crm, op2;
};
constexpr SystemRegister kFlags{3, 3, 4, 2, 0}, kFpControl{3, 3, 4, 4, 0}, kFpStatus{3, 3, 4, 4, 1};
namespace detail {
constexpr Word system(const SystemRegister& reg) {
    ASHLAR_ASSERT(reg.op0 == 2 || reg.op0 == 3);
    return (reg.op0 & 1u) << 19 | Word{reg.op1} << 16 | Word{reg.crn} << 12 | Word{reg.crm} << 8 |
           Word{reg.op2} << 5;
}
} // namespace detail
constexpr Word read_system(Register t, const SystemRegister& from) {
    return 0xd530'0000 | detail::system(from) | detail::field(t, 0);
}
constexpr Word write_system(const SystemRegister& to, Register t) {
    return 0xd510'0000 | detail::system(to) | detail::field(t, 0);
}

} // namespace ashlar::jit::aarch64
