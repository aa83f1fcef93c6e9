// The freestanding memory functions, compiled here under other names, against plain loops.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#define memcpy tested_memcpy
#define memmove tested_memmove
#define memset tested_memset
#define memcmp tested_memcmp
#define memchr tested_memchr
#define strlen tested_strlen
#define strcmp tested_strcmp
#define __popcountdi2 tested_popcount
#include "lib/freestanding/compiler_runtime.cpp"
#include "lib/freestanding/memory.cpp"
#undef __popcountdi2
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strcmp

namespace {

using Buffer = std::vector<unsigned char>;

Buffer counting(std::size_t size) {
    Buffer buffer(size);
    std::iota(buffer.begin(), buffer.end(), static_cast<unsigned char>(1));
    return buffer;
}

// All sizes around every threshold of the implementation.
std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all(160);
    std::iota(all.begin(), all.end(), std::size_t{0});
    all.insert(all.end(), {255, 256, 257, 1000, 4096, 4099});
    return all;
}

TEST(Memory, CopyWritesExactlyItsRange) {
    for (const std::size_t size : sizes())
        for (std::size_t offset = 0; offset < 9; ++offset) {
            const Buffer from = counting(size + 16);
            Buffer to(size + 16, 0xee), expected = to;
            std::copy_n(from.begin() + 3, size, expected.begin() + static_cast<std::ptrdiff_t>(offset));
            EXPECT_EQ(tested_memcpy(to.data() + offset, from.data() + 3, size), to.data() + offset);
            ASSERT_EQ(to, expected) << size << " bytes at " << offset;
        }
}

TEST(Memory, MoveHandlesOverlapInBothDirections) {
    for (const std::size_t size : sizes())
        for (const std::ptrdiff_t distance : {-200, -17, -16, -9, -8, -7, -1, 0, 1, 7, 8, 9, 16, 17, 200}) {
            Buffer moved = counting(size + 512);
            const Buffer original = moved;
            Buffer expected = original;
            std::copy_n(original.begin() + 250, size, expected.begin() + 250 + distance);
            unsigned char* const to = moved.data() + 250 + distance;
            EXPECT_EQ(tested_memmove(to, moved.data() + 250, size), to);
            ASSERT_EQ(moved, expected) << size << " bytes by " << distance;
        }
}

TEST(Memory, SetWritesExactlyItsRangeAndOnlyTheLowByte) {
    for (const std::size_t size : sizes())
        for (std::size_t offset = 0; offset < 9; ++offset) {
            Buffer to = counting(size + 16), expected = to;
            std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(offset), size,
                        static_cast<unsigned char>(0xa5));
            EXPECT_EQ(tested_memset(to.data() + offset, 0x1a5, size), to.data() + offset);
            ASSERT_EQ(to, expected) << size << " bytes at " << offset;
        }
}

TEST(Memory, CompareFindsTheFirstDifferenceAsUnsignedBytes) {
    for (const std::size_t size : {1u, 7u, 8u, 9u, 31u, 64u})
        for (std::size_t at = 0; at < size; ++at) {
            const Buffer left = counting(size);
            Buffer right = left;
            EXPECT_EQ(tested_memcmp(left.data(), right.data(), size), 0);
            right[at] = 0xff;
            EXPECT_LT(tested_memcmp(left.data(), right.data(), size), 0);
            EXPECT_GT(tested_memcmp(right.data(), left.data(), size), 0);
        }
    EXPECT_EQ(tested_memcmp("a", "b", 0), 0);
}

TEST(Memory, FindsBytesAndMeasuresStrings) {
    const char text[] = "abcabc";
    EXPECT_EQ(tested_memchr(text, 'c', 6), text + 2);
    EXPECT_EQ(tested_memchr(text, 'c', 2), nullptr);
    EXPECT_EQ(tested_memchr(text, 'c' + 256, 6), text + 2);
    EXPECT_EQ(tested_strlen(""), 0u);
    EXPECT_EQ(tested_strlen(text), 6u);
    EXPECT_EQ(tested_strcmp("abc", "abc"), 0);
    EXPECT_LT(tested_strcmp("ab", "abc"), 0);
    EXPECT_GT(tested_strcmp("\xff", "a"), 0);
}

TEST(CompilerRuntime, CountsBits) {
    for (std::uint64_t value : {0ULL, 1ULL, ~0ULL, 0x8000'0000'0000'0000ULL, 0xf0f1'8001'1234'5678ULL}) {
        EXPECT_EQ(tested_popcount(static_cast<std::int64_t>(value)), std::popcount(value));
        EXPECT_EQ(tested_popcount(static_cast<std::int64_t>(~value)), std::popcount(~value));
    }
}

} // namespace
