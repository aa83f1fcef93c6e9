// The memory and string functions that the compiler calls by name. Small sizes, which dominate, take two
// overlapping loads and stores; large ones the architecture's bulk operation.
#include <cstddef>
#include <cstdint>

#include "arch/bulk_memory.h"

namespace {

using Byte = unsigned char;

template <class T>
struct __attribute__((packed, may_alias)) Unaligned {
    T value;
};
template <class T>
T load(const Byte* from) {
    return reinterpret_cast<const Unaligned<T>*>(from)->value;
}
template <class T>
void store(Byte* to, T value) {
    reinterpret_cast<Unaligned<T>*>(to)->value = value;
}

constexpr std::size_t kWord = sizeof(std::uint64_t);
// From here on the start-up cost of the bulk operation is paid back.
constexpr std::size_t kBulkBytes = 128;

// sizeof(T) <= n <= 2 * sizeof(T): both loads come before both stores, so overlap does no harm.
template <class T>
void copy_two(Byte* to, const Byte* from, std::size_t n) {
    const T first = load<T>(from), last = load<T>(from + n - sizeof(T));
    store(to, first);
    store(to + n - sizeof(T), last);
}
template <class T>
void fill_two(Byte* to, T pattern, std::size_t n) {
    store(to, pattern);
    store(to + n - sizeof(T), pattern);
}

// n <= 2 * kWord
void copy_small(Byte* to, const Byte* from, std::size_t n) {
    if (n >= kWord)
        copy_two<std::uint64_t>(to, from, n);
    else if (n >= 4)
        copy_two<std::uint32_t>(to, from, n);
    else if (n >= 2)
        copy_two<std::uint16_t>(to, from, n);
    else if (n == 1)
        *to = *from;
}

// Both need n > kWord. What the whole words leave over is one word that ends with the range; it is loaded
// first, since the words may overwrite it.
void copy_ascending(Byte* to, const Byte* from, std::size_t n) {
    const std::uint64_t last = load<std::uint64_t>(from + n - kWord);
    if (n >= kBulkBytes) {
        ashlar::arch::copy_words(to, from, n / kWord);
    } else {
        for (std::size_t i = 0; i + kWord <= n; i += kWord)
            store(to + i, load<std::uint64_t>(from + i));
    }
    store(to + n - kWord, last);
}
void copy_descending(Byte* to, const Byte* from, std::size_t n) {
    const std::uint64_t first = load<std::uint64_t>(from);
    for (std::size_t end = n; end >= kWord; end -= kWord)
        store(to + end - kWord, load<std::uint64_t>(from + end - kWord));
    store(to, first);
}

} // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t n) {
    if (n <= 2 * kWord)
        copy_small(static_cast<Byte*>(to), static_cast<const Byte*>(from), n);
    else
        copy_ascending(static_cast<Byte*>(to), static_cast<const Byte*>(from), n);
    return to;
}

void* memmove(void* to, const void* from, std::size_t n) {
    if (n <= 2 * kWord)
        copy_small(static_cast<Byte*>(to), static_cast<const Byte*>(from), n);
    else if (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from) >= n)
        copy_ascending(static_cast<Byte*>(to), static_cast<const Byte*>(from), n);
    else
        copy_descending(static_cast<Byte*>(to), static_cast<const Byte*>(from), n);
    return to;
}

void* memset(void* to, int value, std::size_t n) {
    Byte* const bytes = static_cast<Byte*>(to);
    const std::uint64_t pattern = std::uint64_t{static_cast<Byte>(value)} * 0x0101'0101'0101'0101;
    if (n > 2 * kWord) {
        if (n >= kBulkBytes) {
            ashlar::arch::fill_words(bytes, pattern, n / kWord);
        } else {
            for (std::size_t i = 0; i + kWord <= n; i += kWord)
                store(bytes + i, pattern);
        }
        store(bytes + n - kWord, pattern);
    } else if (n >= kWord) {
        fill_two(bytes, pattern, n);
    } else if (n >= 4) {
        fill_two(bytes, static_cast<std::uint32_t>(pattern), n);
    } else if (n >= 2) {
        fill_two(bytes, static_cast<std::uint16_t>(pattern), n);
    } else if (n == 1) {
        *bytes = static_cast<Byte>(pattern);
    }
    return to;
}

int memcmp(const void* left, const void* right, std::size_t n) {
    const Byte* a = static_cast<const Byte*>(left);
    const Byte* b = static_cast<const Byte*>(right);
    while (n >= kWord && load<std::uint64_t>(a) == load<std::uint64_t>(b)) {
        a += kWord;
        b += kWord;
        n -= kWord;
    }
    for (std::size_t i = 0; i < n; ++i)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

void* memchr(const void* bytes, int value, std::size_t n) {
    const Byte* const b = static_cast<const Byte*>(bytes);
    for (std::size_t i = 0; i < n; ++i)
        if (b[i] == static_cast<Byte>(value))
            return const_cast<Byte*>(b + i);
    return nullptr;
}

std::size_t strlen(const char* text) {
    std::size_t length = 0;
    while (text[length] != '\0')
        ++length;
    return length;
}

int strcmp(const char* left, const char* right) {
    while (*left != '\0' && *left == *right) {
        ++left;
        ++right;
    }
    return static_cast<Byte>(*left) - static_cast<Byte>(*right);
}

} // extern "C"
