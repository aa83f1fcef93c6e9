#include "lib/guid.h"

#include <gtest/gtest.h>

namespace ashlar {
namespace {

TEST(Guid, StoresTheFirstThreeGroupsLittleEndian) {
    const auto guid = Guid::parse("00112233-4455-6677-8899-aabbccddeeff");
    ASSERT_TRUE(guid.has_value());
    constexpr std::array<unsigned, 16> kStored = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                                  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    for (std::size_t i = 0; i < kStored.size(); ++i)
        EXPECT_EQ(std::to_integer<unsigned>(guid->bytes[i]), kStored[i]) << i;
}

TEST(Guid, IsWrittenAsItWasRead) {
    BufferSink<40> text;
    describe(text, *Guid::parse("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"));
    EXPECT_EQ(text.view(), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
}

TEST(Guid, OtherTextIsNone) {
    for (const char* const text :
         {"", "c12a7328", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b ", "c12a7328f-81f-11d2-ba4b-00a0c93ec93b",
          "{12a7328-f81f-11d2-ba4b-00a0c93ec93}"})
        EXPECT_FALSE(Guid::parse(text).has_value()) << text;
}

} // namespace
} // namespace ashlar
