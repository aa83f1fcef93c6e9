// Extents: which stretches of memory one addend translates, and what ends them.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "jit/mmu/mmu.h"

namespace ashlar::jit::mmu {

namespace {

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::size_t kPages = 256;
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
    static std::uint64_t page(std::uint64_t number) { return number * kPageSize; }
};

TEST_F(ExtentsTest, AdmitNothingAtFirst) {
    for (std::size_t slot = 0; slot < Extents::kSlots; ++slot)
        for (const std::uint64_t address : {std::uint64_t{0}, page(3), ~std::uint64_t{0}})
            EXPECT_FALSE(admits(slot, address));
}

TEST_F(ExtentsTest, ReachAsFarAsOneAddendDoes) {
    table.absent = {2, 30};
    ASSERT_TRUE(mmu.find_extent(kRead, page(5), 8));
    EXPECT_TRUE(admits(kRead, page(3)));
    EXPECT_FALSE(admits(kRead, page(3) - 1));
    EXPECT_TRUE(admits(kRead, page(30) - Extents::kNear));
    EXPECT_FALSE(admits(kRead, page(30) - Extents::kNear + 1));
    table.moved_from = 60;
    ASSERT_TRUE(mmu.find_extent(kRead + 1, page(50), 8));
    EXPECT_TRUE(admits(kRead + 1, page(60) - Extents::kNear));
    EXPECT_FALSE(admits(kRead + 1, page(60)));
}

TEST_F(ExtentsTest, EndWithRam) {
    ASSERT_TRUE(mmu.find_extent(kRead, page(kPages - 1), 8));
    EXPECT_TRUE(admits(kRead, page(kPages) - Extents::kNear));
    EXPECT_FALSE(admits(kRead, page(kPages)));
    EXPECT_FALSE(mmu.find_extent(kRead, page(kPages), 8));
    EXPECT_FALSE(mmu.find_extent(kRead, page(kPages) - 4, 8)) << "its last bytes are not in RAM";
    table.level = 2;
    mmu.flush_all();
    ASSERT_TRUE(mmu.find_extent(kRead, page(7), 8));
    EXPECT_FALSE(admits(kRead, page(kPages)));
}

TEST_F(ExtentsTest, GrowEachTimeUntilTheyMeet) {
    for (int turn = 0; turn < 8; ++turn) {
        ASSERT_TRUE(mmu.find_extent(kRead, page(10), 8));
        ASSERT_TRUE(mmu.find_extent(kRead, page(200), 8));
    }
    EXPECT_TRUE(admits(kRead, page(0)));
    EXPECT_TRUE(admits(kRead, page(kPages - 1)));
}

TEST_F(ExtentsTest, ForStoresAvoidCodeAndCleanPages) {
    memory.mark_code_page(GuestPhysicalAddress(kRam + page(8)), true);
    table.clean = {20};
    ASSERT_TRUE(mmu.find_extent(kWrite, page(12), 8));
    EXPECT_FALSE(admits(kWrite, page(8)));
    EXPECT_TRUE(admits(kWrite, page(9)));
    EXPECT_FALSE(admits(kWrite, page(20)));
    EXPECT_FALSE(mmu.find_extent(kWrite, page(20), 8));
    ASSERT_TRUE(mmu.find_extent(kRead, page(12), 8));
    EXPECT_TRUE(admits(kRead, page(8)));
    table.level = 1;
    mmu.flush_all();
    ASSERT_TRUE(mmu.find_extent(kWrite, page(12), 8));
    EXPECT_FALSE(admits(kWrite, page(8))) << "in the middle of a superpage";
}

TEST_F(ExtentsTest, ForStoresEndWhenAPageBeginsToHoldCode) {
    ASSERT_TRUE(mmu.find_extent(kWrite, page(12), 8));
    ASSERT_TRUE(mmu.find_extent(kRead, page(12), 8));
    memory.mark_code_page(GuestPhysicalAddress(kRam + page(14)), true);
    mmu.forbid_writes(GuestPhysicalAddress(kRam + page(14)));
    EXPECT_FALSE(admits(kWrite, page(12)));
    EXPECT_TRUE(admits(kRead, page(12)));
    ASSERT_TRUE(mmu.find_extent(kWrite, page(12), 8));
    EXPECT_FALSE(admits(kWrite, page(14)));
}

TEST_F(ExtentsTest, EndWhenAnyOfTheirPagesIsFlushed) {
    const auto fill = [&] {
        ASSERT_TRUE(mmu.find_extent(kRead, page(12), 8));
        ASSERT_TRUE(mmu.find_extent(kWrite, page(12), 8));
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
    ASSERT_TRUE(mmu.find_extent(kRead, page(12), 8));
    ASSERT_TRUE(mmu.find_extent(kWrite, page(140), 8));
    mmu.flush_physical(GuestPhysicalAddress(kRam + page(30)));
    EXPECT_FALSE(admits(kRead, page(12)));
    EXPECT_TRUE(admits(kWrite, page(140)));
}

TEST_F(ExtentsTest, EndWithTheWholeLeafThatIsFlushed) {
    // Given: two extents in one superpage, with a page of code between
    table.level = 1;
    memory.mark_code_page(GuestPhysicalAddress(kRam + page(8)), true);
    ASSERT_TRUE(mmu.find_extent(kWrite, page(4), 8));
    ASSERT_TRUE(mmu.find_extent(kWrite + 1, page(12), 8));
    // When: a page in one of them is flushed
    mmu.flush(0, page(4), kPageSize);
    // Then: the other is gone as well, which came from the same entry of the page table
    EXPECT_FALSE(admits(kWrite, page(4)));
    EXPECT_FALSE(admits(kWrite + 1, page(12)));
}

TEST_F(ExtentsTest, OfGlobalPagesOutliveTheirAddressSpace) {
    table.absent = {100};
    table.local = {150};
    ASSERT_TRUE(mmu.find_extent(kRead, page(12), 8));
    ASSERT_TRUE(mmu.find_extent(kRead + 1, page(140), 8));
    mmu.flush_local_data(0);
    EXPECT_TRUE(admits(kRead, page(12)));
    EXPECT_FALSE(admits(kRead + 1, page(140))) << "one of its pages is not global";
}

TEST_F(ExtentsTest, AreForgottenWithWhatIsKnownOfThem) {
    // Given: more runs than are remembered, one page each
    for (std::uint64_t n = 0; n < kPages; n += 2)
        table.absent.insert(n);
    for (std::uint64_t n = 1; n < 80; n += 2)
        ASSERT_TRUE(mmu.find_extent(n % 8, page(n), 8));
    // When
    mmu.flush(0, 0, page(kPages));
    // Then: no slot holds on to one
    for (std::size_t slot = 0; slot < Extents::kSlots; ++slot)
        EXPECT_EQ(mmu.extents().slot(slot).near, 0u);
}

TEST_F(ExtentsTest, AreEachContextsOwn) {
    ASSERT_TRUE(mmu.find_extent(kRead, page(12), 8));
    mmu.select({0, 1}, {0, 0});
    EXPECT_FALSE(admits(kRead, page(12)));
    mmu.select({0, 0}, {0, 0});
    EXPECT_TRUE(admits(kRead, page(12)));
}

} // namespace

} // namespace ashlar::jit::mmu
