#include "jit/mmu/mmu.h"

#include "hosttests/mmu/mmu_fixture.h"

namespace ashlar::jit::mmu {

namespace {

TEST_F(MmuTest, SecondAccessHits) {
    EXPECT_FALSE(hits_read(0x2000, 8));
    ASSERT_TRUE(mmu.store(0x2008, 8, 0x1122334455667788));
    EXPECT_TRUE(hits_read(0x2ff8, 8));
    EXPECT_TRUE(hits_write(0x2000, 1));
    EXPECT_FALSE(hits_read(0x2ff9, 8)); // crosses into the next page
    ASSERT_TRUE(mmu.load(0x200a, 4, value));
    EXPECT_EQ(value, 0x33445566u);
}

TEST_F(MmuTest, HitsGoToTheHostPage) {
    ASSERT_TRUE(mmu.load(0x3000, 1, value));
    EXPECT_EQ(0x3010 + mmu.data().addend(0x3000), reinterpret_cast<std::uintptr_t>(bytes.data() + 0x3010));
}

TEST_F(MmuTest, PagesThatShareAnEntryReplaceEachOther) {
    constexpr std::uint64_t kAlias = Tlb::kEntries * kPageSize;
    ASSERT_TRUE(mmu.load(0x1000, 1, value));
    translator.base = kRam - kAlias;
    ASSERT_TRUE(mmu.load(0x1000 + kAlias, 1, value));
    EXPECT_FALSE(hits_read(0x1000, 1));
    EXPECT_TRUE(hits_read(0x1000 + kAlias, 1));
}

TEST_F(MmuTest, ContextsAreSeparate) {
    ASSERT_TRUE(mmu.load(0x1000, 1, value));
    mmu.select({0, 1}, {0, 0});
    EXPECT_FALSE(hits_read(0x1000, 1));
    mmu.select({1, 0}, {0, 0});
    EXPECT_FALSE(hits_read(0x1000, 1));
    mmu.flush_space(1);
    mmu.select({0, 0}, {0, 0});
    EXPECT_TRUE(hits_read(0x1000, 1));
}

TEST_F(MmuTest, GlobalPagesOutliveTheirAddressSpace) {
    ASSERT_TRUE(mmu.load(0x1000, 1, value));
    translator.global = true;
    ASSERT_TRUE(mmu.load(0x2000, 1, value));
    ASSERT_TRUE(mmu.load(0x3000, 1, value));
    translator.global = false;
    mmu.flush(0, 0x3000, kPageSize);
    ASSERT_TRUE(mmu.load(0x3000, 1, value)); // no longer global
    mmu.flush_local_data(1);
    EXPECT_TRUE(hits_read(0x1000, 1));
    mmu.flush_local_data(0);
    EXPECT_FALSE(hits_read(0x1000, 1));
    EXPECT_TRUE(hits_read(0x2000, 1));
    EXPECT_FALSE(hits_read(0x3000, 1));
    mmu.flush_data(0);
    EXPECT_FALSE(hits_read(0x2000, 1));
}

TEST_F(MmuTest, StoreAcrossPagesChecksBothBeforeItWrites) {
    translator.absent = 3;
    EXPECT_FALSE(mmu.store(0x2ffc, 8, ~std::uint64_t{0}));
    EXPECT_EQ(mmu.fault().cause, 13u);
    EXPECT_EQ(mmu.fault().address, 0x3000u);
    EXPECT_EQ(bytes[0x2ffc], std::byte{0});
    translator.absent = 5;
    EXPECT_TRUE(mmu.store(0x2ffc, 8, 0x0807060504030201));
    EXPECT_TRUE(mmu.load(0x2ffc, 8, value));
    EXPECT_EQ(value, 0x0807060504030201u);
}

TEST_F(MmuTest, ReadOnlyPagesHitForLoadsAlone) {
    translator.read_only = true;
    ASSERT_TRUE(mmu.load(0x1000, 8, value));
    EXPECT_TRUE(hits_read(0x1000, 8));
    EXPECT_FALSE(hits_write(0x1000, 8));
    EXPECT_FALSE(mmu.store(0x1000, 8, 1));
}

TEST_F(MmuTest, PagesWithCodeTakeTheSlowPathForStores) {
    ASSERT_TRUE(mmu.store(0x1000, 8, 1));
    EXPECT_TRUE(hits_write(0x1000, 8));
    memory.mark_code_page(GuestPhysicalAddress(kRam + 0x1000), true);
    mmu.forbid_writes(GuestPhysicalAddress(kRam + 0x1000));
    EXPECT_FALSE(hits_write(0x1000, 8));
    EXPECT_TRUE(hits_read(0x1000, 8));
    ASSERT_TRUE(mmu.store(0x1000, 8, 2));
    EXPECT_FALSE(hits_write(0x1000, 8));
    memory.mark_code_page(GuestPhysicalAddress(kRam + 0x1000), false);
    ASSERT_TRUE(mmu.store(0x1000, 8, 3));
    EXPECT_TRUE(hits_write(0x1000, 8));
}

TEST_F(MmuTest, TranslationsThatHoldForOneAccessAreNotKept) {
    translator.uniform = false;
    ASSERT_TRUE(mmu.load(0x1000, 8, value));
    EXPECT_FALSE(hits_read(0x1000, 8));
}

TEST_F(MmuTest, DevicesAndHolesBehindTheBus) {
    Register device;
    ASSERT_TRUE(bus.attach("register", GuestPhysicalAddress(kRam + 0x100000), 0x200, device).ok());
    EXPECT_TRUE(mmu.store(0x100000, 4, 7));
    EXPECT_TRUE(mmu.load(0x100010, 2, value));
    EXPECT_EQ(value, 7u + 0x10 + 2);
    EXPECT_FALSE(hits_read(0x100000, 4));
    EXPECT_FALSE(mmu.load(0x100100, 4, value)); // the device refuses
    EXPECT_EQ(mmu.fault().cause, 5u);
    EXPECT_FALSE(mmu.load(0x1001fe, 4, value)); // beyond its end
    EXPECT_FALSE(mmu.load(0x200000, 4, value)); // nobody there
    EXPECT_FALSE(mmu.store(0x100ffc + 0xfff000, 8, 0));
}

TEST_F(MmuTest, AtomicsMustBeAligned) {
    EXPECT_EQ(mmu.atomic(0x1004, 8, Access::Store), nullptr);
    EXPECT_EQ(mmu.fault().cause, 4u);
    EXPECT_EQ(mmu.atomic(0x1008, 8, Access::Store), bytes.data() + 0x1008);
    EXPECT_EQ(mmu.physical(bytes.data() + 0x1008).value(), kRam + 0x1008);
    EXPECT_EQ(mmu.atomic(0x200000, 4, Access::Load), nullptr);
    EXPECT_EQ(mmu.fault().cause, 5u);
}

TEST_F(MmuTest, FlushOfAnAddressLeavesOthers) {
    ASSERT_TRUE(mmu.load(0x1000, 1, value));
    ASSERT_TRUE(mmu.load(0x2000, 1, value));
    mmu.flush(0, 0x1000, kPageSize);
    EXPECT_FALSE(hits_read(0x1000, 1));
    EXPECT_TRUE(hits_read(0x2000, 1));
    mmu.flush_all();
    EXPECT_FALSE(hits_read(0x2000, 1));
}

TEST_F(MmuTest, FlushOfASuperpageDropsAllItsPages) {
    ASSERT_TRUE(mmu.load(0x1000, 1, value));
    translator.level = 1;
    ASSERT_TRUE(mmu.load(0x2000, 1, value));
    ASSERT_TRUE(mmu.load(0x3000, 1, value));
    mmu.flush(0, 0x3000, kPageSize);
    EXPECT_FALSE(hits_read(0x2000, 1));
    translator.level = 0;
    ASSERT_TRUE(mmu.load(0x1000, 1, value));
    mmu.flush(0, 0x3000, kPageSize); // none is left
    EXPECT_TRUE(hits_read(0x1000, 1));
}

TEST_F(MmuTest, FlushOfASuperpageReachesItHoweverManyThereAre) {
    constexpr std::uint64_t kSuper = 2 << 20, kCount = 14;
    // A piece of each, at a place of its own in the TLB.
    const auto piece = [](std::uint64_t number) { return number * kSuper + number * kPageSize; };
    translator.level = 1;
    for (std::uint64_t number = 0; number < kCount; ++number) {
        translator.base = kRam - number * kSuper;
        ASSERT_TRUE(mmu.load(piece(number), 1, value));
    }
    for (std::uint64_t number = 0; number < kCount; ++number) {
        EXPECT_EQ(hits_read(piece(number), 1), number <= 7 || number == kCount) << number;
        mmu.flush(0, number * kSuper + 0x100000, kPageSize);
        EXPECT_FALSE(hits_read(piece(number), 1));
    }
}

TEST_F(MmuTest, FetchTranslatesWithoutOpeningLoads) {
    Mapping mapping;
    ASSERT_TRUE(mmu.fetch(0x1002, 2, mapping));
    EXPECT_EQ(mapping.address.value(), kRam + 0x1002);
    EXPECT_FALSE(hits_read(0x1000, 1));
    const unsigned walks = translator.walks;
    ASSERT_TRUE(mmu.fetch(0x1ffe, 2, mapping));
    EXPECT_EQ(translator.walks, walks);
    mmu.flush_data(0);
    ASSERT_TRUE(mmu.fetch(0x1ffe, 2, mapping));
    EXPECT_EQ(translator.walks, walks);
    mmu.flush_fetches({0, 0});
    ASSERT_TRUE(mmu.fetch(0x1ffe, 2, mapping));
    EXPECT_EQ(translator.walks, walks + 1);
    translator.absent = 4;
    EXPECT_FALSE(mmu.fetch(0x4000, 2, mapping));
    EXPECT_FALSE(mmu.fetch(0x200000, 2, mapping));
    EXPECT_EQ(mmu.fault().cause, 5u);
}

TEST(BusTest, RangesDoNotOverlap) {
    Bus bus;
    Register device;
    EXPECT_TRUE(bus.attach("a", GuestPhysicalAddress(0x1000), 0x100, device).ok());
    EXPECT_EQ(bus.attach("b", GuestPhysicalAddress(0x10ff), 0x10, device).error(), Error::Overlap);
    EXPECT_EQ(bus.attach("b", GuestPhysicalAddress(0xff8), 0x10, device).error(), Error::Overlap);
    EXPECT_EQ(bus.attach("b", GuestPhysicalAddress(~std::uint64_t{0}), 2, device).error(),
              Error::InvalidArgument);
    EXPECT_TRUE(bus.attach("b", GuestPhysicalAddress(0x1100), 0x10, device).ok());
    EXPECT_EQ(bus.read(GuestPhysicalAddress(0x110c), 8).error(), Error::NotFound);
}

} // namespace

} // namespace ashlar::jit::mmu
