// The two levels of the software TLB together: what saves a walk, and what must not.
#include "hosttests/mmu/mmu_fixture.h"

namespace ashlar::jit::mmu {

namespace {

constexpr std::uint64_t kMega = 1 << 20;
constexpr std::size_t kShared = Mmu::kSpaces - 1;

class LevelsTest : public MmuTest {
protected:
    LevelsTest() : MmuTest(1024) { as(0); }

    void as(std::size_t owner, Denials audience = 0) {
        data = {owner < kShared ? owner : kShared, 0, owner, audience};
        mmu.select(data, {data.space, 0, owner, audience});
    }
    // An access whose page the first level has forgotten.
    bool loads(std::uint64_t address) {
        mmu.flush_data(data);
        return mmu.load(address, 1, value);
    }
    bool stores(std::uint64_t address) {
        mmu.flush_data(data);
        return mmu.store(address, 1, 0);
    }
    // Walks that an access takes.
    unsigned walks_to_load(std::uint64_t address) {
        const unsigned before = translator.walks;
        EXPECT_TRUE(loads(address));
        return translator.walks - before;
    }
    unsigned walks_to_store(std::uint64_t address) {
        const unsigned before = translator.walks;
        EXPECT_TRUE(stores(address));
        return translator.walks - before;
    }

    Mmu::Selection data;
};

TEST_F(LevelsTest, WhatTheFirstLevelHasForgottenTheSecondKnows) {
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
    EXPECT_EQ(walks_to_store(0x1008), 0u);
    EXPECT_TRUE(hits_write(0x1000, 8));
    EXPECT_EQ(mmu.misses(), 3u);
    EXPECT_EQ(mmu.walks(), 1u);
}

TEST_F(LevelsTest, ContextsShareIt) {
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    mmu.select({0, 1, 0, 0}, {0, 0});
    ASSERT_TRUE(mmu.load(0x1000, 8, value));
    EXPECT_EQ(translator.walks, 1u);
    mmu.select({0, 2}, {0, 0}); // of nobody
    ASSERT_TRUE(mmu.load(0x1000, 8, value));
    EXPECT_EQ(translator.walks, 2u);
}

TEST_F(LevelsTest, AnAudienceIsDeniedWhatTheOtherHas) {
    translator.denied = denies::kSupervisor;
    as(0, denies::kUser);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_TRUE(hits_read(0x1000, 8));
    as(0, denies::kSupervisor);
    EXPECT_EQ(walks_to_load(0x1000), 1u); // whose rules let it pass, and its entry opens nothing
    EXPECT_FALSE(hits_read(0x1000, 8));
    as(0);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
    EXPECT_TRUE(hits_read(0x1000, 8));
}

TEST_F(LevelsTest, WhatIsDeniedIsAskedAgain) {
    translator.read_only = true;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_FALSE(stores(0x1000));
    EXPECT_EQ(mmu.fault().cause, 13u);
    translator.read_only = false;
    EXPECT_EQ(walks_to_store(0x1000), 1u);
    EXPECT_EQ(walks_to_store(0x1000), 0u);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
}

TEST_F(LevelsTest, ASuperpageIsOneEntry) {
    translator.level = 1;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    for (std::uint64_t address = 0; address < 2 * kMega; address += 0x12345)
        EXPECT_EQ(walks_to_store(address), 0u);
    EXPECT_EQ(walks_to_load(2 * kMega), 1u);
    mmu.flush(0, 0x1f'0000, kPageSize);
    translator.level = 0;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(2 * kMega), 0u);
}

TEST_F(LevelsTest, FlushOfAnAddressDropsPiecesThatCameFromTheSecondLevel) {
    translator.level = 1;
    ASSERT_TRUE(loads(0x1000));
    mmu.flush_data(data);
    ASSERT_TRUE(mmu.load(0x5000, 1, value)); // without a walk
    EXPECT_EQ(translator.walks, 1u);
    mmu.flush(0, 0x1f'0000, kPageSize);
    EXPECT_FALSE(hits_read(0x5000, 1));
    EXPECT_EQ(walks_to_load(0x5000), 1u);
}

TEST_F(LevelsTest, GlobalPagesSurviveTheirAddressSpace) {
    translator.global = true;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    translator.global = false;
    EXPECT_EQ(walks_to_load(0x2000), 1u);
    mmu.flush_data(std::size_t{0});
    EXPECT_EQ(walks_to_load(0x1000), 0u);
    EXPECT_EQ(walks_to_load(0x2000), 1u);
    mmu.flush(0, 0x1000, 2 * kPageSize);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
    EXPECT_EQ(walks_to_load(0x2000), 1u);
    as(1);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
    EXPECT_EQ(walks_to_load(0x2000), 1u);
    mmu.flush(kShared, 0x1000, kPageSize);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x2000), 0u);
    mmu.flush_all();
    EXPECT_EQ(walks_to_load(0x2000), 1u);
}

TEST_F(LevelsTest, LeavingAnAddressSpaceKeepsItsPages) {
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    mmu.flush_local_data(kShared);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
}

TEST_F(LevelsTest, MachineModeSeesNoAddressSpace) {
    translator.global = true;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    as(Mmu::kAlone);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    as(1);
    EXPECT_EQ(walks_to_load(0x1000), 0u);
}

TEST_F(LevelsTest, DevicesNeedNoWalk) {
    Register device;
    ASSERT_TRUE(bus.attach("register", GuestPhysicalAddress(kRam + 0x1000'0000), 0x200, device).ok());
    translator.level = 1;
    EXPECT_EQ(walks_to_store(0x1000'0000), 1u);
    device.value = 5;
    EXPECT_EQ(walks_to_load(0x1000'0010), 0u);
    EXPECT_EQ(value, 5u + 0x10 + 1);
    EXPECT_FALSE(hits_read(0x1000'0010, 1));
    EXPECT_FALSE(loads(0x1000'0300)); // nobody there, which the walk does not say either
    EXPECT_EQ(mmu.fault().cause, 5u);
    EXPECT_EQ(mmu.atomic(0x1000'0000, 4, Access::Load), nullptr);
}

TEST_F(LevelsTest, TranslationsThatHoldForOneAccessOrForAPartAreNotKept) {
    translator.uniform = false;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    translator.uniform = true;
    translator.whole = false;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
}

TEST_F(LevelsTest, ALeafThatIsPartlyRamIsNotKept) {
    translator.level = 2;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_TRUE(hits_read(0x1000, 1));
}

TEST_F(LevelsTest, WithoutPageTablesAPartOfItIs) {
    translator.level = 2;
    translator.identity = true;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_store(2 * kMega - 1), 0u);
    EXPECT_EQ(walks_to_load(2 * kMega), 1u);
    translator.whole = false;
    as(1);
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x1fff), 0u);
    EXPECT_EQ(walks_to_load(0x2000), 1u);
}

TEST_F(LevelsTest, PagesWithCodeTakeTheSlowPathForStores) {
    translator.level = 1;
    EXPECT_EQ(walks_to_store(0x1000), 1u);
    memory.mark_code_page(GuestPhysicalAddress(kRam + 0x1000), true);
    mmu.forbid_writes(GuestPhysicalAddress(kRam + 0x1000));
    EXPECT_FALSE(hits_write(0x1000, 1));
    EXPECT_EQ(walks_to_store(0x1000), 0u);
    EXPECT_FALSE(hits_write(0x1000, 1));
    EXPECT_TRUE(hits_read(0x1000, 1));
    EXPECT_EQ(walks_to_store(0x2000), 0u);
    EXPECT_TRUE(hits_write(0x2000, 1));
    // Entered for stores by the second level: known when it begins to hold code.
    memory.mark_code_page(GuestPhysicalAddress(kRam + 0x2000), true);
    mmu.forbid_writes(GuestPhysicalAddress(kRam + 0x2000));
    EXPECT_FALSE(hits_write(0x2000, 1));
}

TEST_F(LevelsTest, FetchesAreToldOfTheLeaf) {
    translator.level = 1;
    Mapping mapping;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    ASSERT_TRUE(mmu.fetch(0x3004, 2, mapping));
    EXPECT_EQ(translator.walks, 1u);
    EXPECT_EQ(mapping.address.value(), kRam + 0x3004);
    ASSERT_TRUE(mmu.fetch(0x3006, 2, mapping)); // known by now
    EXPECT_EQ(translator.fetched, (std::vector<Identity::Fetched>{{0x3004, kRam + 0x3004, 1}}));
    translator.denied = denies::kFetches;
    mmu.flush_all();
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    ASSERT_TRUE(mmu.fetch(0x3004, 2, mapping));
    EXPECT_EQ(translator.walks, 3u);
}

TEST_F(LevelsTest, FetchesWithoutPageTablesAreToldOfTheirOwnWalk) {
    translator.level = 2;
    translator.identity = true;
    Mapping mapping;
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    ASSERT_TRUE(mmu.fetch(0x3004, 2, mapping));
    EXPECT_EQ(translator.fetched, (std::vector<Identity::Fetched>{{0x3004, kRam + 0x3004, 2}}));
}

TEST_F(LevelsTest, FlushOfAPhysicalPageReachesBothLevels) {
    EXPECT_EQ(walks_to_load(0x1000), 1u);
    EXPECT_EQ(walks_to_load(0x2000), 1u);
    Mapping mapping;
    ASSERT_TRUE(mmu.fetch(0x2000, 2, mapping));
    mmu.flush_physical(GuestPhysicalAddress(kRam + 0x2000));
    EXPECT_FALSE(hits_read(0x2000, 1));
    EXPECT_FALSE(mmu.has_fetched(0x2000));
    EXPECT_EQ(walks_to_load(0x1000), 0u);
    EXPECT_EQ(walks_to_load(0x2000), 1u);
}

} // namespace

} // namespace ashlar::jit::mmu
