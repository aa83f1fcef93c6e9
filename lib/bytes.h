// Unaligned loads and stores in a stated byte order, and a cursor over bytes that are not trusted.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lib/result.h"

namespace ashlar {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

constexpr std::uint16_t byte_swap(std::uint16_t v) {
    return __builtin_bswap16(v);
}
constexpr std::uint32_t byte_swap(std::uint32_t v) {
    return __builtin_bswap32(v);
}
constexpr std::uint64_t byte_swap(std::uint64_t v) {
    return __builtin_bswap64(v);
}
constexpr std::uint8_t byte_swap(std::uint8_t v) {
    return v;
}

// `from`/`to` need not be aligned; the caller has checked that sizeof(T) bytes are there.
template <std::unsigned_integral T>
T load_le(const void* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? value : byte_swap(value);
}
template <std::unsigned_integral T>
T load_be(const void* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::big ? value : byte_swap(value);
}
template <std::unsigned_integral T>
void store_le(void* to, T value) {
    if constexpr (std::endian::native != std::endian::little)
        value = byte_swap(value);
    std::memcpy(to, &value, sizeof value);
}
template <std::unsigned_integral T>
void store_be(void* to, T value) {
    if constexpr (std::endian::native != std::endian::big)
        value = byte_swap(value);
    std::memcpy(to, &value, sizeof value);
}

// The `length` bytes from `offset`, or OutOfRange; never overflows.
inline Result<Bytes> slice(Bytes bytes, std::uint64_t offset, std::uint64_t length) {
    if (offset > bytes.size() || length > bytes.size() - offset)
        return Error::OutOfRange;
    return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

// Copies a trivially copyable T out of `bytes` at `offset`.
template <class T>
Result<T> read_object(Bytes bytes, std::uint64_t offset) {
    static_assert(std::is_trivially_copyable_v<T>);
    const Bytes source = ASHLAR_TRY(slice(bytes, offset, sizeof(T)));
    T object;
    std::memcpy(&object, source.data(), sizeof object);
    return object;
}

} // namespace ashlar
