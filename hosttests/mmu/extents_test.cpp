// Extents: which stretches of memory one addend translates, and what ends them.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "jit/mmu/mmu.h"

namespace ashlar::jit::mmu {

namespace {

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::size_t kPages = 1024;
constexpr std::size_t kRead = 0, kWrite = Extents::kFirstToWrite;

// Virtual pages from 0 on are RAM's, except some.
class Table final : public Translator {
public:
    bool translate(std::uint64_t, unsigned, Access, Mapping&, Fault&) override { return false; }
    bool look_up(std::uint64_t address, Access access, Mapping& mapping) override {
        const std::uint64_t page = address >> kPageShift;
        if (absent.contains(page) || address >= 2 * kPages * kPageSize)
            return false;
        const std::uint64_t moved = page >= moved_from ? kPageSize : 0;
        const bool writable = !clean.contains(page);
        if (access == Access::Store && !writable)
            return false;
        mapping = {GuestPhysicalAddress(kRam + address + moved),
                   {level, !local.contains(page)},
                   writable ? 0 : denies::kStores};
        return true;
    }
    void fetches_by(std::uint64_t, const Mapping&) override {}
    std::uint64_t access_fault(Access) const override { return 5; }
    std::uint64_t misaligned_fault(Access) const override { return 4; }

    std::set<std::uint64_t> absent, clean, local;
    std::uint64_t moved_from = ~std::uint64_t{0};
    unsigned level = 0;
};

class ExtentsTest : public testing::Test {
protected:
    std::vector<std::byte> bytes = std::vector<std::byte>(kPages * kPageSize);
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kPages);
    GuestMemory memory{GuestPhysicalAddress(kRam), {bytes.data(), bytes.size()}, code_pages.data()};
    Bus bus;
    Table table;
    Mmu mmu{memory, bus, table};

    // Whether host code would find that so many bytes from `address` lie in the slot's extent.
    bool admits(std::size_t slot, std::uint64_t address) {
        const Extents::Slot& bounds = mmu.extents().slot(slot);
        const bool near = address - bounds.start < bounds.near;
        if (address >= bounds.start) {
            EXPECT_EQ(near, address < bounds.end);
        }
        if (near) {
            EXPECT_EQ(address + bounds.addend, address - bounds.start + bounds.host);
            EXPECT_EQ(address + bounds.addend, reinterpret_cast<std::uintptr_t>(bytes.data()) + address);
        }
        return near;
    }
    // The extent gets the slot's number.
    void find(std::size_t slot, std::uint64_t address) {
        ASSERT_EQ(mmu.find_extent(slot, address, 8), slot % Extents::kFirstToWrite);
    }
    static std::uint64_t page(std::uint64_t number) { return number * kPageSize; }
};

TEST_F(ExtentsTest, AdmitNothingAtFirst) {
    for (std::size_t slot = 0; slot < Extents::kSlots; ++slot)
        for (const std::uint64_t address : {std::uint64_t{0}, page(3), ~std::uint64_t{0}})
            EXPECT_FALSE(admits(slot, address));
}

TEST_F(ExtentsTest, ReachAsFarAsOneAddendDoes) {
    table.absent = {2, 30};
    find(kRead, page(5));
    EXPECT_TRUE(admits(kRead, page(3)));
    EXPECT_FALSE(admits(kRead, page(3) - 1));
    EXPECT_TRUE(admits(kRead, page(30) - Extents::kNear));
    EXPECT_FALSE(admits(kRead, page(30) - Extents::kNear + 1));
    table.moved_from = 60;
    find(kRead, page(50));
    EXPECT_TRUE(admits(kRead, page(60) - Extents::kNear));
    EXPECT_FALSE(admits(kRead, page(60)));
}

TEST_F(ExtentsTest, EndWithRam) {
    find(kRead, page(kPages - 1));
    EXPECT_TRUE(admits(kRead, page(kPages) - Extents::kNear));
    EXPECT_FALSE(admits(kRead, page(kPages)));
    EXPECT_FALSE(mmu.find_extent(kRead, page(kPages), 8));
    EXPECT_FALSE(mmu.find_extent(kRead, page(kPages) - 4, 8)) << "its last bytes are not in RAM";
    table.level = 2;
    mmu.flush_all();
    find(kRead, page(7));
    EXPECT_FALSE(admits(kRead, page(kPages)));
}

TEST_F(ExtentsTest, GrowUntilTheyMeet) {
    for (int turn = 0; turn < 16; ++turn) {
        find(kRead, page(10));
        find(kRead, page(900));
    }
    EXPECT_TRUE(admits(kRead, page(0)));
    EXPECT_TRUE(admits(kRead, page(kPages - 1)));
}

TEST_F(ExtentsTest, WithDifferentAddendsHaveDifferentNumbers) {
    table.moved_from = 500;
    find(kRead, page(100));
    EXPECT_EQ(mmu.find_extent(kRead, page(600), 8), 1u) << "number 0 is another's";
    EXPECT_TRUE(admits(kRead, page(100)));
    EXPECT_EQ(mmu.find_extent(kWrite + 3, page(100), 8), 0u) << "by the addend, whatever is asked for";
    EXPECT_TRUE(admits(kWrite, page(100)));
    mmu.flush_all();
    EXPECT_EQ(mmu.find_extent(kRead + 5, page(600), 8), 5u) << "whatever is free";
}

TEST_F(ExtentsTest, AreWorthItOnlyWhenLong) {
    table.absent = {10, 20};
    EXPECT_FALSE(mmu.find_extent(kRead, page(12), 8));
    EXPECT_TRUE(mmu.extents().is_empty(kRead));
}

TEST_F(ExtentsTest, ForStoresAvoidCodeAndCleanPages) {
    memory.mark_code_page(GuestPhysicalAddress(kRam + page(8)), true);
    table.clean = {40};
    find(kWrite, page(12));
    EXPECT_FALSE(admits(kWrite, page(8)));
    EXPECT_TRUE(admits(kWrite, page(9)));
    EXPECT_FALSE(admits(kWrite, page(40)));
    EXPECT_FALSE(mmu.find_extent(kWrite, page(40), 8));
    find(kRead, page(12));
    EXPECT_TRUE(admits(kRead, page(8)));
    table.level = 1;
    mmu.flush_all();
    find(kWrite, page(12));
    EXPECT_FALSE(admits(kWrite, page(8))) << "in the middle of a superpage";
}

TEST_F(ExtentsTest, ForStoresAreSplitWhereAPageBeginsToHoldCode) {
    // Given
    find(kWrite, page(20));
    find(kRead, page(20));
    // When
    memory.mark_code_page(GuestPhysicalAddress(kRam + page(22)), true);
    mmu.forbid_writes(GuestPhysicalAddress(kRam + page(22)));
    // Then: the longer part stays, the other is still known
    EXPECT_FALSE(admits(kWrite, page(20)));
    EXPECT_FALSE(admits(kWrite, page(22)));
    EXPECT_TRUE(admits(kWrite, page(23)));
    EXPECT_TRUE(admits(kRead, page(20)));
    find(kWrite, page(2));
    EXPECT_TRUE(admits(kWrite, page(22) - Extents::kNear));
    EXPECT_FALSE(admits(kWrite, page(22) - Extents::kNear + 1));
    // When: all of its pages do, one after the other
    for (std::uint64_t n = 0; n < kPages; ++n) {
        memory.mark_code_page(GuestPhysicalAddress(kRam + page(n)), true);
        mmu.forbid_writes(GuestPhysicalAddress(kRam + page(n)));
        for (std::uint64_t before = 0; before <= n; ++before)
            ASSERT_FALSE(admits(kWrite, page(before)));
    }
    EXPECT_TRUE(mmu.extents().is_empty(kWrite));
}

TEST_F(ExtentsTest, EndWhenAnyOfTheirPagesIsFlushed) {
    const auto fill = [&] {
        find(kRead, page(12));
        find(kWrite, page(12));
    };
    fill();
    mmu.flush(0, page(30), kPageSize);
    EXPECT_FALSE(admits(kRead, page(12)));
    EXPECT_FALSE(admits(kWrite, page(12)));
    fill();
    mmu.flush(1, page(12), kPageSize);
    EXPECT_TRUE(admits(kRead, page(12))) << "another address space";
    mmu.flush(0, page(kPages + 8), kPageSize);
    EXPECT_TRUE(admits(kRead, page(12))) << "another place";
    mmu.flush_data(std::size_t{0});
    EXPECT_FALSE(admits(kRead, page(12)));
    fill();
    mmu.flush_all();
    EXPECT_FALSE(admits(kWrite, page(12)));
}

TEST_F(ExtentsTest, EndWhenAnyOfTheirPhysicalPagesIsFlushed) {
    table.absent = {100};
    find(kRead, page(12));
    find(kWrite, page(140));
    mmu.flush_physical(GuestPhysicalAddress(kRam + page(30)));
    EXPECT_FALSE(admits(kRead, page(12)));
    EXPECT_TRUE(admits(kWrite, page(140)));
}

TEST_F(ExtentsTest, EndWithTheWholeLeafThatIsFlushed) {
    // Given: two runs in one superpage, with a page of code between
    table.level = 1;
    memory.mark_code_page(GuestPhysicalAddress(kRam + page(40)), true);
    find(kWrite, page(4));
    find(kWrite, page(50));
    // When: a page in one of them is flushed
    mmu.flush(0, page(4), kPageSize);
    // Then: the other is gone as well, which came from the same entry of the page table
    EXPECT_FALSE(admits(kWrite, page(50)));
    table.moved_from = 0;
    EXPECT_EQ(mmu.find_extent(kWrite, page(50), 8), 0u);
    EXPECT_EQ(mmu.extents().addend(0), reinterpret_cast<std::uintptr_t>(bytes.data()) + kPageSize)
        << "it was looked for anew";
}

TEST_F(ExtentsTest, OfGlobalPagesOutliveTheirAddressSpace) {
    table.absent = {100};
    table.moved_from = 100;
    table.local = {150};
    find(kRead, page(80));
    EXPECT_EQ(mmu.find_extent(kRead, page(140), 8), 1u);
    mmu.flush_local_data(0);
    EXPECT_TRUE(admits(kRead, page(80)));
    EXPECT_TRUE(mmu.extents().is_empty(1)) << "one of its pages is not global";
}

TEST_F(ExtentsTest, AreForgottenWithWhatIsKnownOfThem) {
    // Given: more runs than are remembered
    for (std::uint64_t n = 0; n < kPages; n += 20)
        table.absent.insert(n);
    for (std::uint64_t n = 1; n < kPages - 20; n += 20)
        find(kRead, page(n));
    EXPECT_FALSE(mmu.extents().is_empty(kRead));
    // When
    mmu.flush(0, 0, page(kPages));
    // Then: the slot does not hold on to one
    EXPECT_TRUE(mmu.extents().is_empty(kRead));
}

TEST_F(ExtentsTest, AreEachContextsOwn) {
    find(kRead, page(12));
    mmu.select({0, 1}, {0, 0});
    EXPECT_FALSE(admits(kRead, page(12)));
    mmu.select({0, 0}, {0, 0});
    EXPECT_TRUE(admits(kRead, page(12)));
}

} // namespace

} // namespace ashlar::jit::mmu
