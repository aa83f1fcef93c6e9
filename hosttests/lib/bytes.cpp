#include "lib/bytes.h"

#include <array>
#include <limits>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

const std::array<std::byte, 9> kNine = {std::byte{0xff}, std::byte{1}, std::byte{2},
                                        std::byte{3},    std::byte{4}, std::byte{5},
                                        std::byte{6},    std::byte{7}, std::byte{8}};

TEST(Bytes, LoadsInTheStatedOrderWithoutAlignment) {
    const std::byte* odd = kNine.data() + 1;
    EXPECT_EQ(load_le<std::uint8_t>(odd), 1u);
    EXPECT_EQ(load_le<std::uint16_t>(odd), 0x0201u);
    EXPECT_EQ(load_be<std::uint16_t>(odd), 0x0102u);
    EXPECT_EQ(load_le<std::uint32_t>(odd), 0x0403'0201u);
    EXPECT_EQ(load_be<std::uint32_t>(odd), 0x0102'0304u);
    EXPECT_EQ(load_le<std::uint64_t>(odd), 0x0807'0605'0403'0201u);
    EXPECT_EQ(load_be<std::uint64_t>(odd), 0x0102'0304'0506'0708u);
}

TEST(Bytes, StoresAreTheInverseOfLoads) {
    std::array<std::byte, 9> buffer{};
    store_be(buffer.data() + 1, std::uint64_t{0x0102'0304'0506'0708});
    EXPECT_EQ(buffer[1], std::byte{1});
    EXPECT_EQ(load_be<std::uint64_t>(buffer.data() + 1), 0x0102'0304'0506'0708u);
    store_le(buffer.data(), std::uint16_t{0xa1b2});
    EXPECT_EQ(buffer[0], std::byte{0xb2});
    EXPECT_EQ(load_le<std::uint16_t>(buffer.data()), 0xa1b2u);
}

TEST(Bytes, SliceAcceptsWhatLiesInside) {
    EXPECT_EQ(slice(kNine, 0, 9).value().size(), 9u);
    EXPECT_EQ(slice(kNine, 9, 0).value().size(), 0u);
    EXPECT_EQ(slice(kNine, 3, 2).value().data(), kNine.data() + 3);
}

TEST(Bytes, SliceRefusesWhatReachesOutEvenWhenTheSumWraps) {
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(slice(kNine, 0, 10).error(), Error::OutOfRange);
    EXPECT_EQ(slice(kNine, 10, 0).error(), Error::OutOfRange);
    EXPECT_EQ(slice(kNine, 5, kMax).error(), Error::OutOfRange);
    EXPECT_EQ(slice(kNine, kMax, 2).error(), Error::OutOfRange);
}

TEST(Bytes, ReadObjectCopiesAndChecksItsBounds) {
    struct Pair {
        std::uint32_t first, second;
    };
    EXPECT_EQ(read_object<Pair>(kNine, 1).value().second, 0x0807'0605u);
    EXPECT_EQ(read_object<Pair>(kNine, 2).error(), Error::OutOfRange);
}

} // namespace
} // namespace ashlar
