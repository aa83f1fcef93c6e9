#include "lib/page_table.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "arch/x86_64/page_table_format.h"

namespace ashlar {
namespace {

using Format = arch::LongModeFormat<VirtualAddress, PhysicalAddress>;
constexpr std::uint64_t k4K = 1 << 12, k2M = 1 << 21, k1G = 1 << 30;
constexpr arch::PageRights kReadOnly{}, kReadWrite{.write = true}, kCode{.execute = true};

// Keeps tables by made-up physical addresses and records every store.
class RecordingMemory {
public:
    struct Store {
        PhysicalAddress table;
        unsigned index;
        std::uint64_t before;
    };
    std::size_t limit = 1000; // tables that may exist

    Result<PhysicalAddress> allocate() {
        if (tables_.size() == limit)
            return Error::OutOfMemory;
        const PhysicalAddress table(next_ += kPageSize);
        tables_[table].resize(512);
        return table;
    }
    void free(PhysicalAddress table) { EXPECT_EQ(tables_.erase(table), 1u); }
    std::uint64_t load(PhysicalAddress table, unsigned index) const { return tables_.at(table)[index]; }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        stores.push_back({table, index, tables_.at(table)[index]});
        tables_.at(table)[index] = entry;
    }
    std::size_t table_count() const { return tables_.size(); }

    std::vector<Store> stores;

private:
    std::map<PhysicalAddress, std::vector<std::uint64_t>> tables_;
    std::uint64_t next_ = 0x7000'0000;
};

using Table = PageTable<Format, RecordingMemory>;

class PageTableTest : public testing::Test {
protected:
    static Table make(RecordingMemory& memory, unsigned largest = 3) {
        return std::move(Table::create(memory, largest)).value();
    }
    std::uint64_t leaf_size(std::uint64_t address) const {
        const auto mapping = table.translate(VirtualAddress(address));
        return mapping.ok() ? mapping.value().leaf_size : 0;
    }
    std::uint64_t output(std::uint64_t address) const {
        return table.translate(VirtualAddress(address)).value().address.value();
    }
    Status map(std::uint64_t from, std::uint64_t to, std::uint64_t size,
               arch::PageRights rights = kReadWrite) {
        return table.map(VirtualAddress(from), PhysicalAddress(to), size, rights);
    }

    RecordingMemory memory;
    Table table = make(memory);
};

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
    EXPECT_TRUE(table.unmap(VirtualAddress(top), k4K).ok());
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
    memory.stores.clear();
    EXPECT_EQ(map(0, 0, k1G).error(), Error::Overlap);
    EXPECT_EQ(map(k2M, 0, 2 * k4K).error(), Error::Overlap);
    EXPECT_TRUE(memory.stores.empty());
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
    ASSERT_TRUE(table.unmap(VirtualAddress(k1G + k2M + k4K), k4K).ok());
    EXPECT_EQ(leaf_size(k1G + k2M + k4K), 0u);
    EXPECT_EQ(leaf_size(k1G + k2M), k4K);
    EXPECT_EQ(leaf_size(k1G), k2M);
    EXPECT_EQ(output(k1G + k2M + 2 * k4K), k1G + k2M + 2 * k4K);
    EXPECT_EQ(table.translate(VirtualAddress(2 * k1G - 1)).value().rights, kCode);
    ASSERT_TRUE(table.unmap(VirtualAddress(0), 2 * k1G).ok());
    EXPECT_EQ(memory.table_count(), 1u);
}

TEST_F(PageTableTest, ProtectChangesExactlyItsRange) {
    ASSERT_TRUE(map(0, 0, 2 * k2M, kReadWrite).ok());
    ASSERT_TRUE(table.protect(VirtualAddress(k4K), k2M, kCode).ok());
    for (const auto& [address, rights] :
         {std::pair{std::uint64_t{0}, kReadWrite}, {k4K, kCode}, {k2M, kCode}, {k2M + k4K, kReadWrite}})
        EXPECT_EQ(table.translate(VirtualAddress(address)).value().rights, rights) << address;
    EXPECT_EQ(output(k4K + 5), k4K + 5);
}

// Rewinds the history of stores: at each point, every address translates as before or as after.
TEST_F(PageTableTest, ASplitIsNeverSeenHalfDone) {
    ASSERT_TRUE(map(0, 0, k2M, kReadWrite).ok());
    memory.stores.clear();
    ASSERT_TRUE(table.protect(VirtualAddress(k4K), k4K, kReadOnly).ok());
    while (!memory.stores.empty()) {
        const RecordingMemory::Store last = memory.stores.back();
        memory.store(last.table, last.index, last.before);
        memory.stores.pop_back(); // the rewinding store itself
        memory.stores.pop_back();
        for (const std::uint64_t address : {std::uint64_t{0}, k4K, 2 * k4K, k2M - k4K}) {
            const auto mapping = table.translate(VirtualAddress(address));
            ASSERT_TRUE(mapping.ok());
            EXPECT_EQ(mapping.value().address.value(), address);
            if (address != k4K) {
                EXPECT_EQ(mapping.value().rights, kReadWrite);
            }
        }
    }
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

TEST_F(PageTableTest, AgreesWithAModelUnderRandomUse) {
    constexpr std::uint64_t kPages = 4096; // 16 MiB across a 1 GiB border
    const std::uint64_t base = k1G - kPages / 2 * k4K;
    std::vector<std::pair<std::uint64_t, arch::PageRights>> model(kPages); // output + 1, 0: unmapped
    std::mt19937 random(7);
    for (int step = 0; step < 400; ++step) {
        const std::uint64_t first = random() % kPages, count = 1 + random() % (kPages - first);
        const std::uint64_t from = base + first * k4K, size = count * k4K;
        const arch::PageRights rights{.write = random() % 2 == 0, .execute = random() % 2 == 0};
        const auto begin = model.begin() + static_cast<std::ptrdiff_t>(first);
        const auto end = begin + static_cast<std::ptrdiff_t>(count);
        if (step % 3 == 0) {
            const std::uint64_t to = from + (random() % 2) * k4K;
            const bool free = std::all_of(begin, end, [](const auto& page) { return page.first == 0; });
            ASSERT_EQ(map(from, to, size, rights).ok(), free);
            for (auto page = begin; free && page != end; ++page)
                *page = {to + static_cast<std::uint64_t>(page - begin) * k4K + 1, rights};
        } else if (step % 3 == 1) {
            ASSERT_TRUE(table.unmap(VirtualAddress(from), size).ok());
            std::fill(begin, end, std::pair<std::uint64_t, arch::PageRights>{});
        } else {
            ASSERT_TRUE(table.protect(VirtualAddress(from), size, rights).ok());
            for (auto page = begin; page != end; ++page)
                page->second = page->first != 0 ? rights : page->second;
        }
        for (std::uint64_t page = 0; page < kPages; ++page) {
            const auto mapping = table.translate(VirtualAddress(base + page * k4K));
            ASSERT_EQ(mapping.ok(), model[page].first != 0);
            if (mapping.ok()) {
                ASSERT_EQ(mapping.value().address.value() + 1, model[page].first);
                ASSERT_EQ(mapping.value().rights, model[page].second);
            }
        }
    }
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
