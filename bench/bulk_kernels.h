// Candidates for what is done to many bytes: one word at a time, by string instructions, with AVX2 and
// AVX-512. What the product uses is chosen by bench/bulk.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

#include "arch/bulk_memory.h"

namespace ashlar::bench {

#define ASHLAR_SCALAR __attribute__((optimize("no-tree-vectorize", "no-tree-loop-distribute-patterns")))
#define ASHLAR_AVX2 __attribute__((target("avx2")))
#define ASHLAR_AVX512 __attribute__((target("avx512f,avx512bw")))

using Byte = unsigned char;

inline std::uint64_t word_at(const Byte* from) {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

// All sizes are multiples of 64.

// ------------------------------------------------------------------------------------------ copy

ASHLAR_SCALAR inline void copy_scalar(Byte* to, const Byte* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 8) {
        const std::uint64_t word = word_at(from + i);
        std::memcpy(to + i, &word, sizeof word);
    }
}
inline void copy_movsb(Byte* to, const Byte* from, std::size_t bytes) {
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}
inline void copy_movsq(Byte* to, const Byte* from, std::size_t bytes) {
    bytes /= 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}
ASHLAR_AVX2 inline void copy_avx2(Byte* to, const Byte* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
        const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i + 32));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), low);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i + 32), high);
    }
}
ASHLAR_AVX512 inline void copy_avx512(Byte* to, const Byte* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64)
        _mm512_storeu_si512(to + i, _mm512_loadu_si512(from + i));
}
inline void copy_libc(Byte* to, const Byte* from, std::size_t bytes) {
    std::memcpy(to, from, bytes);
}

// ------------------------------------------------------------------------------------------ fill

ASHLAR_SCALAR inline void fill_scalar(Byte* to, Byte value, std::size_t bytes) {
    const std::uint64_t word = value * 0x0101'0101'0101'0101u;
    for (std::size_t i = 0; i < bytes; i += 8)
        std::memcpy(to + i, &word, sizeof word);
}
inline void fill_stosb(Byte* to, Byte value, std::size_t bytes) {
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
}
inline void fill_stosq(Byte* to, Byte value, std::size_t bytes) {
    bytes /= 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(bytes) : "a"(value * 0x0101'0101'0101'0101u) : "memory");
}
ASHLAR_AVX2 inline void fill_avx2(Byte* to, Byte value, std::size_t bytes) {
    const __m256i pattern = _mm256_set1_epi8(static_cast<char>(value));
    for (std::size_t i = 0; i < bytes; i += 32)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), pattern);
}
ASHLAR_AVX512 inline void fill_avx512(Byte* to, Byte value, std::size_t bytes) {
    const __m512i pattern = _mm512_set1_epi8(static_cast<char>(value));
    for (std::size_t i = 0; i < bytes; i += 64)
        _mm512_storeu_si512(to + i, pattern);
}
inline void fill_libc(Byte* to, Byte value, std::size_t bytes) {
    std::memset(to, value, bytes);
}

// ------------------------------------------------------------------------------------------ compare

ASHLAR_SCALAR inline bool equal_scalar(const Byte* a, const Byte* b, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 8)
        if (word_at(a + i) != word_at(b + i))
            return false;
    return true;
}
ASHLAR_AVX2 inline bool equal_avx2(const Byte* a, const Byte* b, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64) {
        const __m256i low = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)),
                                             _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i)));
        const __m256i high =
            _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i + 32)),
                             _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i + 32)));
        const __m256i different = _mm256_or_si256(low, high);
        if (!_mm256_testz_si256(different, different))
            return false;
    }
    return true;
}
ASHLAR_AVX512 inline bool equal_avx512(const Byte* a, const Byte* b, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64)
        if (_mm512_cmpneq_epi64_mask(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)) != 0)
            return false;
    return true;
}
inline bool equal_libc(const Byte* a, const Byte* b, std::size_t bytes) {
    return std::memcmp(a, b, bytes) == 0;
}

// ------------------------------------------------------------------------------------------ checksum

// The Internet checksum's sum (RFC 1071) of little-endian halfwords, folded to 16 bits.
inline std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}
// 32 bits at a time, so that carries collect above them.
ASHLAR_SCALAR inline std::uint16_t checksum_scalar(const Byte* from, std::size_t bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes; i += 8) {
        const std::uint64_t word = word_at(from + i);
        sum += (word & 0xffff'ffff) + (word >> 32);
    }
    return fold(sum);
}
ASHLAR_AVX2 inline std::uint16_t checksum_avx2(const Byte* from, std::size_t bytes) {
    const __m256i mask = _mm256_set1_epi64x(0xffff'ffff);
    __m256i even = _mm256_setzero_si256(), odd = even;
    for (std::size_t i = 0; i < bytes; i += 32) {
        const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
        even = _mm256_add_epi64(even, _mm256_and_si256(words, mask));
        odd = _mm256_add_epi64(odd, _mm256_srli_epi64(words, 32));
    }
    alignas(32) std::uint64_t lanes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi64(even, odd));
    return fold(lanes[0] + lanes[1] + lanes[2] + lanes[3]);
}
ASHLAR_AVX512 inline std::uint16_t checksum_avx512(const Byte* from, std::size_t bytes) {
    const __m512i mask = _mm512_set1_epi64(0xffff'ffff);
    __m512i even = _mm512_setzero_si512(), odd = even;
    for (std::size_t i = 0; i < bytes; i += 64) {
        const __m512i words = _mm512_loadu_si512(from + i);
        even = _mm512_add_epi64(even, _mm512_and_si512(words, mask));
        odd = _mm512_add_epi64(odd, _mm512_maskz_srli_epi64(0xff, words, 32));
    }
    alignas(64) std::uint64_t lanes[8];
    _mm512_store_si512(lanes, _mm512_add_epi64(even, odd));
    std::uint64_t sum = 0;
    for (const std::uint64_t lane : lanes)
        sum += lane;
    return fold(sum);
}

} // namespace ashlar::bench
