// Loads, stores, atomics and barriers as words (Arm Architecture Reference Manual, section C4.1.94).
#pragma once

#include "jit/backend/aarch64/encode_integer.h"

namespace ashlar::jit::aarch64 {

// What a load does with the bits above: zero, sign to 64 bits, sign to 32 bits (and zero above).
enum class Access : std::uint8_t { Store, Load, LoadSigned, LoadSignedWord };

namespace detail {
constexpr Word access(Word opcode, Access op, Size size, Register t, Register n) {
    ASHLAR_ASSERT((op != Access::LoadSigned || size != Size::Double) &&
                  (op != Access::LoadSignedWord || size < Size::Word));
    return opcode | bits(size, 30) | bits(op, 22) | field(n, 5) | field(t, 0);
}
} // namespace detail

// At base + offset: a multiple of the size up to 4095 times it.
constexpr Word access(Access op, Size size, Register t, Register base, std::uint32_t offset) {
    const std::uint32_t scaled = offset >> static_cast<unsigned>(size);
    ASHLAR_ASSERT(scaled << static_cast<unsigned>(size) == offset && scaled < 0x1000);
    return detail::access(0x3900'0000, op, size, t, base) | scaled << 10;
}
// At base + offset, -256 to 255.
constexpr Word access_unscaled(Access op, Size size, Register t, Register base, std::int32_t offset) {
    ASHLAR_ASSERT(fits_signed(offset, 9));
    return detail::access(0x3800'0000, op, size, t, base) | (static_cast<Word>(offset) & 0x1ff) << 12;
}
// At base, which becomes base + offset, before or after the access.
constexpr Word access_and_move(Access op, Size size, Register t, Register base, std::int32_t offset,
                               bool before) {
    return access_unscaled(op, size, t, base, offset) | (before ? 3u : 1u) << 10;
}
// At base + the index, extended (Uxtw, Uxtx, Sxtw, Sxtx) and maybe times the size.
constexpr Word access(Access op, Size size, Register t, Register base, Register index, Extend extend,
                      bool scaled) {
    ASHLAR_ASSERT((static_cast<unsigned>(extend) & 2) != 0);
    return detail::access(0x3820'0800, op, size, t, base) | detail::field(index, 16) |
           detail::bits(extend, 13) | Word{scaled} << 12;
}

// Two registers, at base + offset: a multiple of their size, -64 to 63 times it. Pairs by their addressing.
enum class Pair : std::uint8_t { After = 1, Offset = 2, Before = 3 };
constexpr Word access_pair(bool load, Width width, Register t, Register t2, Register base,
                           std::int32_t offset, Pair pair = Pair::Offset) {
    const std::int32_t size = width == Width::X ? 8 : 4;
    ASHLAR_ASSERT(offset % size == 0 && fits_signed(offset / size, 7));
    return 0x2800'0000 | detail::bits(width, 31) | detail::bits(pair, 23) | Word{load} << 22 |
           (static_cast<Word>(offset / size) & 0x7f) << 15 | detail::field(t2, 10) | detail::field(base, 5) |
           detail::field(t, 0);
}

// Ordered accesses at a base alone: LDAR and STLR.
constexpr Word load_acquire(Size size, Register t, Register base) {
    return 0x08df'fc00 | detail::bits(size, 30) | detail::field(base, 5) | detail::field(t, 0);
}
constexpr Word store_release(Size size, Register t, Register base) {
    return 0x089f'fc00 | detail::bits(size, 30) | detail::field(base, 5) | detail::field(t, 0);
}
// Exclusive ones; `status` becomes 0 when the store was done.
constexpr Word load_exclusive(Size size, Register t, Register base, bool acquire) {
    return 0x085f'7c00 | detail::bits(size, 30) | Word{acquire} << 15 | detail::field(base, 5) |
           detail::field(t, 0);
}
constexpr Word store_exclusive(Size size, Register status, Register t, Register base, bool release) {
    return 0x0800'7c00 | detail::bits(size, 30) | detail::field(status, 16) | Word{release} << 15 |
           detail::field(base, 5) | detail::field(t, 0);
}

// FEAT_LSE. t becomes what was there; s is the operand.
enum class Atomic : std::uint8_t {
    Add = 0,
    Clear = 1,
    Eor = 2,
    Set = 3,
    SignedMaximum = 4,
    SignedMinimum = 5,
    UnsignedMaximum = 6,
    UnsignedMinimum = 7,
    Swap = 8,
};
namespace detail {
constexpr Word acquires(Order order) {
    return order == Order::Acquire || order == Order::Both ? 1 : 0;
}
constexpr Word releases(Order order) {
    return order == Order::Release || order == Order::Both ? 1 : 0;
}
} // namespace detail
constexpr Word atomic(Atomic op, Size size, Order order, Register s, Register t, Register base) {
    return 0x3820'0000 | detail::bits(size, 30) | detail::acquires(order) << 23 |
           detail::releases(order) << 22 | detail::field(s, 16) | detail::bits(op, 12) |
           detail::field(base, 5) | detail::field(t, 0);
}
// Stores t when what is there is s, which becomes what was there.
constexpr Word compare_and_swap(Size size, Order order, Register s, Register t, Register base) {
    return 0x08a0'7c00 | detail::bits(size, 30) | detail::acquires(order) << 22 | detail::field(s, 16) |
           detail::releases(order) << 15 | detail::field(base, 5) | detail::field(t, 0);
}

// Which accesses before and after wait for each other, among the inner shareable domain.
enum class Barrier : std::uint8_t { Loads = 9, Stores = 10, All = 11 };
constexpr Word memory_barrier(Barrier barrier) {
    return 0xd503'30bf | detail::bits(barrier, 8);
}
constexpr Word completion_barrier(Barrier barrier) {
    return 0xd503'309f | detail::bits(barrier, 8);
}
constexpr Word kInstructionBarrier = 0xd503'3fdf;
// Cleans data to, and invalidates instructions at, the point of unification, by virtual address.
constexpr Word clean_data(Register address) {
    return 0xd50b'7b20 | detail::field(address, 0);
}
constexpr Word invalidate_instructions(Register address) {
    return 0xd50b'7520 | detail::field(address, 0);
}

} // namespace ashlar::jit::aarch64
