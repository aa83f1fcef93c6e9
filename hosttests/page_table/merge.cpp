// Leaves that become one again, and when CPUs hear of it.
#include "recording_memory.h"

namespace ashlar {
namespace {

using MergeTest = PageTableTest;

TEST_F(MergeTest, NeighboursBecomeALargeLeaf) {
    // Given: 2 MiB but for a page in the middle
    ASSERT_TRUE(map(0, 4 * k2M, k2M / 2).ok());
    ASSERT_TRUE(map(k2M / 2 + k4K, 4 * k2M + k2M / 2 + k4K, k2M / 2 - k4K).ok());
    EXPECT_EQ(leaf_size(0), k4K);
    EXPECT_EQ(memory.table_count(), 4u);
    // When
    ASSERT_TRUE(map(k2M / 2, 4 * k2M + k2M / 2, k4K).ok());
    // Then
    EXPECT_EQ(leaf_size(0), k2M);
    EXPECT_EQ(output(k2M - 1), 5 * k2M - 1);
    EXPECT_EQ(memory.table_count(), 3u);
}

TEST_F(MergeTest, GoesUpToTheLargestLevel) {
    ASSERT_TRUE(map(k1G, 2 * k1G, k1G - k4K).ok());
    EXPECT_EQ(leaf_size(k1G), k2M);
    ASSERT_TRUE(map(2 * k1G - k4K, 3 * k1G - k4K, k4K).ok());
    EXPECT_EQ(leaf_size(k1G), k1G);
    EXPECT_EQ(memory.table_count(), 2u);

    RecordingMemory other;
    Table small = make(other, 2);
    ASSERT_TRUE(small.map(VirtualAddress(k1G), PhysicalAddress(k1G), k1G - k4K, kReadOnly).ok());
    ASSERT_TRUE(
        small.map(VirtualAddress(2 * k1G - k4K), PhysicalAddress(2 * k1G - k4K), k4K, kReadOnly).ok());
    EXPECT_EQ(small.translate(VirtualAddress(k1G)).value().leaf_size, k2M);
}

TEST_F(MergeTest, NeedsTheSameRightsContiguousAndAlignedMemory) {
    ASSERT_TRUE(map(0, 0, k2M - k4K, kReadOnly).ok());
    ASSERT_TRUE(map(k2M - k4K, k2M - k4K, k4K, kReadWrite).ok());
    EXPECT_EQ(leaf_size(0), k4K); // other rights

    ASSERT_TRUE(map(2 * k2M, k4K, k2M - k4K).ok());
    ASSERT_TRUE(map(3 * k2M - k4K, k2M, k4K).ok());
    EXPECT_EQ(leaf_size(2 * k2M), k4K); // not aligned

    ASSERT_TRUE(map(4 * k2M, 4 * k2M, k2M - k4K).ok());
    ASSERT_TRUE(map(5 * k2M - k4K, 6 * k2M, k4K).ok());
    EXPECT_EQ(leaf_size(4 * k2M), k4K); // not contiguous
}

TEST_F(MergeTest, EqualRightsJoinWhatProtectSplit) {
    ASSERT_TRUE(map(k1G, k1G, k1G, kReadWrite).ok());
    ASSERT_TRUE(protect(k1G + 3 * k4K, k4K, kReadOnly).ok());
    EXPECT_EQ(leaf_size(k1G), k4K);
    EXPECT_EQ(memory.table_count(), 4u);
    ASSERT_TRUE(protect(k1G + 3 * k4K, k4K, kReadWrite).ok());
    EXPECT_EQ(leaf_size(k1G), k1G);
    // Within the range, too.
    ASSERT_TRUE(protect(k1G + 3 * k4K, k4K, kReadOnly).ok());
    ASSERT_TRUE(protect(k1G + 7 * k2M, k4K, kReadOnly).ok());
    ASSERT_TRUE(protect(k1G, k1G / 2, kCode).ok());
    EXPECT_EQ(leaf_size(k1G), k2M);
    EXPECT_EQ(leaf_size(k1G + 7 * k2M), k2M);
    EXPECT_EQ(memory.table_count(), 3u);
}

TEST_F(MergeTest, WhatIsUnmappedForLackOfMemoryIsWholeAgain) {
    ASSERT_TRUE(map(0, 0, 2 * k1G).ok());
    const std::size_t before = memory.table_count();
    for (std::size_t spare = 0; spare < 4; ++spare) { // two tables at each end
        memory.limit = before + spare;
        EXPECT_EQ(unmap(k4K, 2 * k1G - 2 * k4K).error(), Error::OutOfMemory);
        EXPECT_EQ(protect(k4K, 2 * k1G - 2 * k4K, kReadOnly).error(), Error::OutOfMemory);
        EXPECT_EQ(memory.table_count(), before);
        EXPECT_EQ(leaf_size(0), k1G);
        EXPECT_EQ(leaf_size(k1G), k1G);
    }
    memory.limit = before + 4;
    EXPECT_TRUE(unmap(k4K, 2 * k1G - 2 * k4K).ok());
    EXPECT_EQ(leaf_size(0), k4K);
    EXPECT_EQ(leaf_size(k4K), 0u);
}

TEST_F(MergeTest, SplitsAndMergesOnDemand) {
    ASSERT_TRUE(map(0, 0, k1G + k2M).ok());
    ASSERT_TRUE(table.split(VirtualAddress(k2M), k2M, 1).ok());
    EXPECT_EQ(leaf_size(0), k2M);
    EXPECT_EQ(leaf_size(k2M), k4K);
    EXPECT_EQ(leaf_size(k1G), k2M);
    ASSERT_TRUE(table.split(VirtualAddress(0), k1G, 2).ok()); // is so
    EXPECT_EQ(leaf_size(k2M), k4K);
    ASSERT_TRUE(table.merge(VirtualAddress(0), 2 * k1G).ok());
    EXPECT_EQ(leaf_size(0), k1G);
    EXPECT_EQ(memory.table_count(), 3u);
    // Then: without memory as many as can be, and all translates
    memory.limit = memory.table_count() + 2;
    EXPECT_EQ(table.split(VirtualAddress(0), k1G, 1).error(), Error::OutOfMemory);
    EXPECT_EQ(leaf_size(0), k4K);
    EXPECT_EQ(leaf_size(k2M), k2M);
}

TEST_F(MergeTest, CpusAreToldOnceForEachCallThatChangesWhatTheyMayHaveCached) {
    ASSERT_TRUE(map(0, 0, 3 * k2M).ok());
    EXPECT_EQ(memory.invalidations, 0u); // nothing was there
    ASSERT_TRUE(protect(k4K, 2 * k2M, kReadWrite).ok());
    EXPECT_EQ(memory.invalidations, 1u); // leaves were split and merged
    ASSERT_TRUE(unmap(5 * k2M, k2M).ok());
    ASSERT_TRUE(protect(0, 3 * k2M, kReadWrite).ok());
    EXPECT_EQ(memory.invalidations, 1u); // nothing was changed
    ASSERT_TRUE(unmap(0, 3 * k2M).ok());
    EXPECT_EQ(memory.invalidations, 2u);
}

TEST_F(MergeTest, ABatchTellsThemOnce) {
    ASSERT_TRUE(map(0, 0, 2 * k2M).ok());
    table.begin_batch();
    for (std::uint64_t page = 0; page < 5; ++page)
        ASSERT_TRUE(unmap(2 * page * k4K, k4K).ok());
    table.begin_batch();
    ASSERT_TRUE(protect(k2M, k2M, kReadOnly).ok());
    table.end_batch();
    EXPECT_EQ(memory.invalidations, 0u);
    table.end_batch();
    EXPECT_EQ(memory.invalidations, 1u);
}

// RecordingMemory looks at each table that is freed.
TEST_F(MergeTest, ABatchOfAnySizeFreesOnlyWhatCpusHaveForgotten) {
    for (std::uint64_t i = 0; i < 100; ++i)
        ASSERT_TRUE(map(i * k2M, i * k2M, k4K).ok());
    table.begin_batch();
    ASSERT_TRUE(unmap(0, 100 * k2M).ok());
    EXPECT_GT(memory.invalidations, 0u);
    table.end_batch();
    EXPECT_EQ(memory.table_count(), 1u);
}

TEST_F(MergeTest, TablesThatABatchLeavesBehindAreFreedAtTheEnd) {
    RecordingMemory other;
    {
        Table short_lived = make(other);
        ASSERT_TRUE(short_lived.map(VirtualAddress(0), PhysicalAddress(0), k4K, kCode).ok());
        short_lived.begin_batch();
        ASSERT_TRUE(short_lived.unmap(VirtualAddress(0), k4K).ok());
        other.invalidate(); // no CPU uses it any more
    }
    EXPECT_EQ(other.table_count(), 0u);
}

// ------------------------------------------------------------------------------- accessed and dirty

TEST_F(MergeTest, TakesUsesOnce) {
    ASSERT_TRUE(map(0, 0, k1G + 3 * k4K).ok());
    EXPECT_EQ(take_accessed(0, 2 * k1G), Leaves{});
    EXPECT_EQ(memory.invalidations, 0u);
    use(k1G + k4K, false);
    use(12345, true);
    EXPECT_TRUE(table.translate(VirtualAddress(0)).value().dirty);
    EXPECT_FALSE(table.translate(VirtualAddress(k1G + k4K)).value().dirty);
    EXPECT_EQ(take_dirty(k2M, 2 * k1G), (Leaves{{0, k1G}})); // reaches into the range
    EXPECT_EQ(memory.invalidations, 1u);
    EXPECT_EQ(take_dirty(0, 2 * k1G), Leaves{});
    EXPECT_EQ(take_accessed(0, 2 * k1G), (Leaves{{0, k1G}, {k1G + k4K, k4K}}));
    EXPECT_EQ(take_accessed(0, 2 * k1G), Leaves{});
    EXPECT_EQ(memory.invalidations, 2u);
    EXPECT_FALSE(table.take_dirty(VirtualAddress(1), k4K, [](auto...) {}).ok());
}

TEST_F(MergeTest, SmallLeavesTellUsesApart) {
    ASSERT_TRUE(map(0, 0, k2M).ok());
    ASSERT_TRUE(table.split(VirtualAddress(0), k2M, 1).ok());
    use(5 * k4K, true);
    use(6 * k4K, false);
    EXPECT_EQ(take_dirty(0, k2M), (Leaves{{5 * k4K, k4K}}));
}

TEST_F(MergeTest, UsesOutliveEveryChangeOfTheLeaf) {
    ASSERT_TRUE(map(0, 0, k2M).ok());
    use(0, true);
    // When: it is split, a part protected
    ASSERT_TRUE(protect(k4K, k4K, kReadOnly).ok());
    EXPECT_EQ(take_dirty(k4K, k4K), (Leaves{{k4K, k4K}}));
    EXPECT_EQ(take_dirty(0, k2M).size(), 511u);
    // When: one piece is used, and all merge
    use(7 * k4K, true);
    ASSERT_TRUE(protect(k4K, k4K, kReadWrite).ok());
    EXPECT_EQ(take_dirty(0, k2M), (Leaves{{0, k2M}}));
    EXPECT_EQ(take_accessed(0, k2M), (Leaves{{0, k2M}}));
}

// Until it is told, a CPU that has cached where the small leaves are notes uses there.
TEST_F(MergeTest, UsesNotedInAMergedTableAreNotLost) {
    ASSERT_TRUE(map(0, 0, k1G).ok());
    ASSERT_TRUE(protect(0, k4K, kReadOnly).ok());
    const LeafPlace known = find_leaf(memory, table, 9 * k4K).value();
    memory.on_invalidate = [&] { note_use(memory, known, true); };
    ASSERT_TRUE(protect(0, k4K, kReadWrite).ok());
    memory.on_invalidate = nullptr;
    EXPECT_EQ(leaf_size(9 * k4K), k1G); // through two merges
    EXPECT_EQ(take_dirty(0, k1G), (Leaves{{0, k1G}}));
}

TEST_F(MergeTest, UsesNotedInATableThatIsMergedAndSplitInOneBatchAreNotLost) {
    ASSERT_TRUE(map(0, 0, k2M).ok());
    ASSERT_TRUE(protect(0, k4K, kReadOnly).ok());
    const LeafPlace known = find_leaf(memory, table, 9 * k4K).value();
    table.begin_batch();
    ASSERT_TRUE(protect(0, k4K, kReadWrite).ok());
    note_use(memory, known, true);
    ASSERT_TRUE(protect(k4K, k4K, kReadOnly).ok());
    table.end_batch();
    const Leaves dirty = take_dirty(0, k2M);
    EXPECT_TRUE(std::find(dirty.begin(), dirty.end(), std::pair{9 * k4K, k4K}) != dirty.end());
}

// The CPU's own change of an entry comes between our look at it and our exchange.
TEST_F(MergeTest, UsesNotedDuringAChangeAreNotLost) {
    ASSERT_TRUE(map(0, 0, k2M).ok());
    ASSERT_TRUE(table.split(VirtualAddress(0), k2M, 1).ok());
    const LeafPlace next = find_leaf(memory, table, k4K).value();
    bool done = false;
    ASSERT_TRUE(table
                    .change(VirtualAddress(0), 2 * k4K,
                            [&](arch::PageRights now) {
                                if (!done && find_leaf(memory, table, 0).has_value()) {
                                    done = true;
                                    note_use(memory, find_leaf(memory, table, 0).value(), true);
                                    note_use(memory, next, true);
                                }
                                now.execute = true;
                                return now;
                            })
                    .ok());
    EXPECT_EQ(take_dirty(0, k2M), (Leaves{{0, k4K}, {k4K, k4K}}));
    EXPECT_TRUE(rights(0).execute && rights(k4K).execute);
}

TEST_F(MergeTest, NotesUsesForCpusThatDoNot) {
    // Given a large leaf and a small one that nobody has used
    ASSERT_TRUE(map(0, 0, k1G).ok());
    ASSERT_TRUE(map(k1G + k4K, 0x9000, k4K).ok());
    memory.invalidations = 0;
    // When one is read and the other written
    table.note_use(VirtualAddress(12345), false);
    table.note_use(VirtualAddress(k1G + k4K + 7), true);
    table.note_use(VirtualAddress(3 * k1G), true); // nothing is there
    // Then each is as the CPU would have left it, and has been forgotten by all
    EXPECT_EQ(take_accessed(0, 2 * k1G), (Leaves{{0, k1G}, {k1G + k4K, k4K}}));
    EXPECT_EQ(take_dirty(0, 2 * k1G), (Leaves{{k1G + k4K, k4K}}));
    EXPECT_EQ(memory.invalidations, 4u);
}

} // namespace
} // namespace ashlar
