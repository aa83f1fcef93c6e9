#include "arch/aarch64/el2/stage2.h"

#include <gtest/gtest.h>

namespace ashlar::arch::el2 {
namespace {

constexpr Stage2Rights kAll{.read = true, .write = true, .execute = true};

// Literal values by the Arm Architecture Reference Manual, sections D8.3.1 and D8.3.2.
TEST(Stage2Format, HasTheManualsBits) {
    // Blocks and pages: valid, write-back, inner shareable; neither accessed nor writable before the first
    // use
    EXPECT_EQ(Stage2Format::leaf(PhysicalAddress(0x4020'0000), 2, kAll), 0x0080'0000'4020'037du);
    EXPECT_EQ(Stage2Format::leaf(PhysicalAddress(0x4020'1000), 1, {.read = true}), 0x0040'0000'4020'137fu);
    EXPECT_EQ(
        Stage2Format::leaf(PhysicalAddress(0x0900'0000), 1, {.read = true, .write = true, .uncached = true}),
        0x00c0'0000'0900'0347u);
    EXPECT_EQ(Stage2Format::leaf(PhysicalAddress(0x4000'0000), 3, {.execute = true}), 0x0000'0000'4000'033du);
    EXPECT_EQ(Stage2Format::kAccessed, 1u << 10);
}

TEST(Stage2Format, ReadsBackWhatItWrites) {
    for (unsigned level = 1; level <= 3; ++level)
        for (unsigned bits = 0; bits < 16; ++bits) {
            const Stage2Rights rights{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
            const std::uint64_t entry = Stage2Format::leaf(PhysicalAddress(0x1'4000'0000), level, rights);
            EXPECT_TRUE(Stage2Format::is_present(entry) && Stage2Format::is_leaf(entry, level));
            EXPECT_EQ(Stage2Format::rights(entry), rights);
            EXPECT_EQ(Stage2Format::address(entry, level), PhysicalAddress(0x1'4000'0000));
            EXPECT_EQ(entry & (Stage2Format::kAccessed | Stage2Format::kDirty), 0u);
        }
}

TEST(Stage2Format, IsWritableToTheCpuOnceItIsDirtyAndMayBeWritten) {
    const std::uint64_t may_write = Stage2Format::leaf(PhysicalAddress(0x4020'0000), 2, kAll);
    const std::uint64_t may_not = Stage2Format::leaf(PhysicalAddress(0x4020'0000), 2, {.read = true});
    EXPECT_EQ(Stage2Format::for_cpu(may_write), may_write);
    EXPECT_EQ(Stage2Format::for_cpu(may_write | Stage2Format::kDirty),
              may_write | Stage2Format::kDirty | Stage2Format::kWrite);
    // What was written before it became read-only is not writable any more
    EXPECT_EQ(Stage2Format::for_cpu(may_not | Stage2Format::kDirty), may_not | Stage2Format::kDirty);
    EXPECT_EQ(Stage2Format::from_cpu(may_write | Stage2Format::kDirty | Stage2Format::kWrite),
              may_write | Stage2Format::kDirty);
}

TEST(Stage2Format, BreaksBeforeItMakesATableOfABlockOrABlockOfATable) {
    const std::uint64_t block = Stage2Format::leaf(PhysicalAddress(0x4020'0000), 2, kAll);
    const std::uint64_t table = Stage2Format::table(PhysicalAddress(0x5000'0000));
    EXPECT_TRUE(Stage2Format::needs_break(block, table));
    EXPECT_TRUE(Stage2Format::needs_break(table, block));
    EXPECT_FALSE(Stage2Format::needs_break(0, block));
    EXPECT_FALSE(Stage2Format::needs_break(table, 0));
    EXPECT_FALSE(Stage2Format::needs_break(block, block | Stage2Format::kAccessed));
}

} // namespace
} // namespace ashlar::arch::el2
