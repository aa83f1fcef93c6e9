#include "arch/aarch64/page_table_format.h"

#include <gtest/gtest.h>

namespace ashlar::arch {
namespace {

// Literal values by the Arm Architecture Reference Manual, figures D8-14 and D8-16.
TEST(El2Format, HasTheManualsBits) {
    // Pages: valid, page, reserved as one, inner shareable, accessed
    EXPECT_EQ(El2Format::leaf(PhysicalAddress(0x4020'1000), 1, {.write = true}), 0x0040'0000'4020'1743u);
    EXPECT_EQ(El2Format::leaf(PhysicalAddress(0x4020'1000), 1, {.execute = true}), 0x0000'0000'4020'17c3u);
    EXPECT_EQ(El2Format::leaf(PhysicalAddress(0x4020'1000), 1, {}), 0x0040'0000'4020'17c3u);
    EXPECT_EQ(El2Format::leaf(PhysicalAddress(0x0900'0000), 1, {.write = true, .uncached = true}),
              0x0040'0000'0900'0747u);
    // Blocks
    EXPECT_EQ(El2Format::leaf(PhysicalAddress(0x4020'0000), 2, {.write = true}), 0x0040'0000'4020'0741u);
    EXPECT_EQ(El2Format::leaf(PhysicalAddress(0x4000'0000), 3, {.write = true}), 0x0040'0000'4000'0741u);
    EXPECT_EQ(El2Format::table(PhysicalAddress(0x7fff'f000)), 0x7fff'f003u);
}

TEST(El2Format, ReadsBackWhatItWrites) {
    for (unsigned level = 1; level <= 3; ++level)
        for (const PageRights& rights : {PageRights{}, PageRights{.write = true}, PageRights{.execute = true},
                                         PageRights{.write = true, .execute = true, .uncached = true}}) {
            const std::uint64_t entry = El2Format::leaf(PhysicalAddress(0x1'4000'0000), level, rights);
            EXPECT_TRUE(El2Format::is_present(entry));
            EXPECT_TRUE(El2Format::is_leaf(entry, level));
            EXPECT_EQ(El2Format::rights(entry), rights);
            EXPECT_EQ(El2Format::address(entry, level), PhysicalAddress(0x1'4000'0000));
        }
    const std::uint64_t table = El2Format::table(PhysicalAddress(0x4000'1000));
    EXPECT_FALSE(El2Format::is_leaf(table, 2));
    EXPECT_EQ(El2Format::table_address(table), PhysicalAddress(0x4000'1000));
    EXPECT_FALSE(El2Format::is_present(0));
}

TEST(El2Format, TranslatesOneRangeFromZero) {
    EXPECT_TRUE(El2Format::is_canonical(VirtualAddress(0xffff'ffff'ffff)));
    EXPECT_FALSE(El2Format::is_canonical(VirtualAddress(0x1'0000'0000'0000)));
    EXPECT_FALSE(El2Format::is_canonical(VirtualAddress(0xffff'8000'0000'0000)));
}

} // namespace
} // namespace ashlar::arch
