#include "lib/page_table.h"

#include "recording_memory.h"

namespace ashlar {
namespace {

TEST_F(PageTableTest, PicksTheLargestLeavesByAlignment) {
    ASSERT_TRUE(map(k1G - k2M - k4K, k1G - k2M - k4K, k4K + k2M + k1G + k2M + k4K).ok());
    EXPECT_EQ(leaf_size(k1G - k2M - k4K), k4K);
    EXPECT_EQ(leaf_size(k1G - k2M), k2M);
    EXPECT_EQ(leaf_size(k1G), k1G);
    EXPECT_EQ(leaf_size(2 * k1G), k2M);
    EXPECT_EQ(leaf_size(2 * k1G + k2M), k4K);
    EXPECT_EQ(leaf_size(2 * k1G + k2M + k4K), 0u);
    EXPECT_EQ(leaf_size(k1G - k2M - 2 * k4K), 0u);
    EXPECT_EQ(output(k1G + 12345), k1G + 12345);
}

TEST_F(PageTableTest, OutputAlignmentLimitsLeavesToo) {
    ASSERT_TRUE(map(k1G, k2M, k1G).ok());
    EXPECT_EQ(leaf_size(k1G), k2M);
    ASSERT_TRUE(map(4 * k1G, k4K, k2M).ok());
    EXPECT_EQ(leaf_size(4 * k1G), k4K);
    EXPECT_EQ(output(4 * k1G + k2M - 1), k4K + k2M - 1);
}

TEST_F(PageTableTest, RespectsTheLargestLevel) {
    RecordingMemory other;
    Table small = make(other, 2);
    ASSERT_TRUE(small.map(VirtualAddress(k1G), PhysicalAddress(k1G), k1G, kReadOnly).ok());
    EXPECT_EQ(small.translate(VirtualAddress(k1G)).value().leaf_size, k2M);
}

TEST_F(PageTableTest, MapsUpToTheEndOfTheAddressSpace) {
    const std::uint64_t top = ~std::uint64_t{0} - k4K + 1;
    ASSERT_TRUE(map(top, 0x5000, k4K).ok());
    EXPECT_EQ(output(top + 7), 0x5007u);
    EXPECT_TRUE(unmap(top, k4K).ok());
    EXPECT_EQ(leaf_size(top), 0u);
}

TEST_F(PageTableTest, RefusesWhatIsMisalignedOrOutOfRange) {
    EXPECT_EQ(map(1, 0, k4K).error(), Error::Misaligned);
    EXPECT_EQ(map(0, 1, k4K).error(), Error::Misaligned);
    EXPECT_EQ(map(0, 0, 1).error(), Error::Misaligned);
    EXPECT_EQ(map(std::uint64_t{1} << 47, 0, k4K).error(), Error::OutOfRange); // not canonical
    EXPECT_EQ(map(~std::uint64_t{0} - k4K + 1, 0, 2 * k4K).error(), Error::OutOfRange);
    EXPECT_EQ(memory.table_count(), 1u);
}

TEST_F(PageTableTest, OverlapChangesNothing) {
    ASSERT_TRUE(map(k2M + k4K, 0x9000, k4K).ok());
    memory.on_store = [] { ADD_FAILURE(); };
    EXPECT_EQ(map(0, 0, k1G).error(), Error::Overlap);
    EXPECT_EQ(map(k2M, 0, 2 * k4K).error(), Error::Overlap);
    EXPECT_EQ(memory.invalidations, 0u);
}

TEST_F(PageTableTest, OutOfMemoryLeavesNothingBehind) {
    const std::size_t before = memory.table_count();
    for (std::size_t spare = 0; spare < 5; ++spare) { // crosses two GiB: five tables in all
        memory.limit = before + spare;
        EXPECT_EQ(map(k1G - k4K, k4K, 2 * k4K).error(), Error::OutOfMemory) << spare;
        EXPECT_EQ(memory.table_count(), before);
    }
    memory.limit = before + 5;
    EXPECT_TRUE(map(k1G - k4K, k4K, 2 * k4K).ok());
}

TEST_F(PageTableTest, UnmapSplitsAndFreesEmptyTables) {
    ASSERT_TRUE(map(k1G, k1G, k1G, kCode).ok());
    EXPECT_EQ(memory.table_count(), 2u);
    ASSERT_TRUE(unmap(k1G + k2M + k4K, k4K).ok());
    EXPECT_EQ(leaf_size(k1G + k2M + k4K), 0u);
    EXPECT_EQ(leaf_size(k1G + k2M), k4K);
    EXPECT_EQ(leaf_size(k1G), k2M);
    EXPECT_EQ(output(k1G + k2M + 2 * k4K), k1G + k2M + 2 * k4K);
    EXPECT_EQ(rights(2 * k1G - 1), kCode);
    ASSERT_TRUE(unmap(0, 2 * k1G).ok());
    EXPECT_EQ(memory.table_count(), 1u);
}

TEST_F(PageTableTest, ProtectChangesExactlyItsRange) {
    ASSERT_TRUE(map(0, 0, 2 * k2M, kReadWrite).ok());
    ASSERT_TRUE(protect(k4K, k2M, kCode).ok());
    for (const auto& [address, expected] :
         {std::pair{std::uint64_t{0}, kReadWrite}, {k4K, kCode}, {k2M, kCode}, {k2M + k4K, kReadWrite}})
        EXPECT_EQ(rights(address), expected) << address;
    EXPECT_EQ(output(k4K + 5), k4K + 5);
}

// At each point of its history every address translates as before or as after.
TEST_F(PageTableTest, ASplitIsNeverSeenHalfDone) {
    ASSERT_TRUE(map(0, 0, k2M, kReadWrite).ok());
    memory.on_store = [&] {
        for (const std::uint64_t address : {std::uint64_t{0}, k4K, 2 * k4K, k2M - k4K}) {
            ASSERT_EQ(output(address), address);
            if (address != k4K) {
                ASSERT_EQ(rights(address), kReadWrite);
            }
        }
    };
    ASSERT_TRUE(protect(k4K, k4K, kReadOnly).ok());
    memory.on_store = nullptr;
    EXPECT_EQ(rights(k4K), kReadOnly);
}

TEST_F(PageTableTest, VisitsLeavesInOrder) {
    ASSERT_TRUE(map(k1G, 0, k1G).ok());
    ASSERT_TRUE(map(k4K, k4K, k4K, kReadOnly).ok());
    std::vector<std::uint64_t> seen;
    table.for_each_leaf([&](std::uint64_t input, const Table::Mapping& mapping) {
        seen.push_back(input);
        seen.push_back(mapping.leaf_size);
    });
    EXPECT_EQ(seen, (std::vector{k4K, k4K, k1G, k1G}));
}

TEST(PageTable, FreesAllItsTables) {
    RecordingMemory memory;
    {
        Result<Table> table = Table::create(memory);
        ASSERT_TRUE(table.ok());
        ASSERT_TRUE(table.value().map(VirtualAddress(k4K), PhysicalAddress(0), k1G + k4K, kReadOnly).ok());
        EXPECT_GT(memory.table_count(), 4u);
    }
    EXPECT_EQ(memory.table_count(), 0u);
}

// Literal values from the manual's figures.
TEST(LongModeFormat, EncodesEntriesAsTheManualSays) {
    EXPECT_EQ(Format::leaf(PhysicalAddress(0x1234'5000), 1, kReadOnly), 0x8000'0000'1234'5001u);
    EXPECT_EQ(Format::leaf(PhysicalAddress(0x1234'5000), 1, kReadWrite), 0x8000'0000'1234'5003u);
    EXPECT_EQ(Format::leaf(PhysicalAddress(0x20'0000), 2, kCode), 0x20'0081u);
    EXPECT_EQ(Format::leaf(PhysicalAddress(0x4000'0000), 3, {.user = true}), 0x8000'0000'4000'0085u);
    EXPECT_EQ(Format::leaf(PhysicalAddress(0xfee0'0000), 1, {.write = true, .uncached = true}),
              0x8000'0000'fee0'001bu);
    EXPECT_EQ(Format::table(PhysicalAddress(0x3000)), 0x3007u);
    EXPECT_EQ(Format::address(0x8000'0000'0020'1083, 2), PhysicalAddress(0x20'0000));
}

} // namespace
} // namespace ashlar
