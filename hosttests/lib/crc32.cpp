#include "lib/crc32.h"

#include <gtest/gtest.h>

#include <string_view>

namespace ashlar {
namespace {

Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST(Crc32, KnownValues) {
    EXPECT_EQ(crc32({}), 0u);
    EXPECT_EQ(crc32(bytes_of("123456789")), 0xcbf4'3926u);
    EXPECT_EQ(crc32(bytes_of("a")), 0xe8b7'be43u);
}

TEST(Crc32, GoesOnWhereItLeftOff) {
    EXPECT_EQ(crc32(bytes_of("56789"), crc32(bytes_of("1234"))), 0xcbf4'3926u);
    EXPECT_EQ(crc32({}, 0x1234'5678), 0x1234'5678u);
}

} // namespace
} // namespace ashlar
