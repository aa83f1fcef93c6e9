#include "lib/format.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

template <class... Arguments>
std::string text(FormatString<Arguments...> pattern, const Arguments&... arguments) {
    BufferSink<256> sink;
    format(sink, pattern, arguments...);
    return std::string(sink.view());
}

TEST(Format, PlainTextAndEscapedBraces) {
    EXPECT_EQ(text("nothing to fill"), "nothing to fill");
    EXPECT_EQ(text(""), "");
    EXPECT_EQ(text("{{}} {{{}}}", 1), "{} {1}");
}

TEST(Format, Integers) {
    EXPECT_EQ(text("{} {} {}", 0, -1, 42u), "0 -1 42");
    EXPECT_EQ(text("{}", std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(text("{}", std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(text("{}", std::uint8_t{200}), "200");
}

TEST(Format, HexadecimalShowsTheBitsOfTheTypeAndItsWidth) {
    EXPECT_EQ(text("{:x} {:#x}", 255, 255), "ff 0xff");
    EXPECT_EQ(text("{:#010x}", 0xabcu), "0x00000abc");
    EXPECT_EQ(text("{:x}", std::int32_t{-1}), "ffffffff");
    EXPECT_EQ(text("{:x}", std::int8_t{-2}), "fe");
    EXPECT_EQ(text("{:x}", std::int64_t{-1}), "ffffffffffffffff");
}

TEST(Format, PadsOnTheChosenSide) {
    EXPECT_EQ(text("[{:5}]", 42), "[   42]");
    EXPECT_EQ(text("[{:-5}]", 42), "[42   ]");
    EXPECT_EQ(text("[{:05}]", -42), "[-0042]");
    EXPECT_EQ(text("[{:4}]", "ab"), "[  ab]");
    EXPECT_EQ(text("[{:-4}]", "ab"), "[ab  ]");
    EXPECT_EQ(text("[{:2}]", "abcdef"), "[abcdef]");
    EXPECT_EQ(text("[{:10}]", 1), "[         1]");
}

TEST(Format, OtherTypes) {
    EXPECT_EQ(text("{} {}", true, false), "true false");
    EXPECT_EQ(text("{}{}", 'a', 'b'), "ab");
    EXPECT_EQ(text("{}", std::string_view("view")), "view");
    EXPECT_EQ(text("{}", Error::NotFound), "not found");
    EXPECT_EQ(text("{:#x}", PhysicalAddress(0x1000)), "0x1000");
    EXPECT_EQ(text("{:#x}", static_cast<const void*>(nullptr)), "0x0");
}

TEST(Format, CharacterCodesPrintAsCharactersOnRequest) {
    EXPECT_EQ(text("{:c}{:c}", std::uint8_t{65}, 66), "AB");
}

TEST(BufferSink, DropsWhatDoesNotFit) {
    BufferSink<4> sink;
    sink.write("abc");
    EXPECT_FALSE(sink.truncated());
    sink.write("def");
    EXPECT_TRUE(sink.truncated());
    EXPECT_EQ(sink.view(), "abcd");
    sink.clear();
    EXPECT_EQ(sink.view(), "");
    EXPECT_FALSE(sink.truncated());
}

} // namespace
} // namespace ashlar
