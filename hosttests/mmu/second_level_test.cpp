#include "jit/mmu/second_level.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ashlar::jit::mmu {

namespace {

constexpr std::uint64_t kMega = 1 << 20, kFar = 0x4000'0000;

class SecondLevelTest : public testing::Test {
protected:
    void insert(std::uint64_t address, std::size_t owner = 0, unsigned level = 0,
                std::uint64_t distance = kFar, Denials denies = 0) {
        tlb->insert(address, address + distance, level, denies, owner);
    }
    bool has(std::uint64_t address, std::size_t owner = 0) {
        return static_cast<bool>(tlb->find(address, tlb->keys(owner)));
    }
    // Of the set of page 0.
    static std::uint64_t alias(std::uint64_t number) { return number * SecondLevelTlb::kSets * kPageSize; }

    std::unique_ptr<SecondLevelTlb> tlb = std::make_unique<SecondLevelTlb>();
};

TEST_F(SecondLevelTest, IsEmptyAtFirst) {
    for (std::size_t owner = 0; owner < SecondLevelTlb::kOwners; ++owner)
        for (const std::uint64_t address : {std::uint64_t{0}, kFar, ~std::uint64_t{0}})
            EXPECT_FALSE(has(address, owner));
    EXPECT_FALSE(tlb->find(0, {}));
}

TEST_F(SecondLevelTest, TellsWhereAnAddressGoesAndWhatIsDenied) {
    insert(0x1234, 0, 0, kFar, denies::kStores | denies::kHost);
    const SecondLevelTlb::Entry entry = tlb->find(0x1fff, tlb->keys(0));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry.physical(0x1fff), kFar + 0x1fff);
    EXPECT_EQ(entry.denies(), denies::kStores | denies::kHost);
    EXPECT_EQ(entry.level, 0u);
    EXPECT_FALSE(entry.global);
    EXPECT_FALSE(has(0x0fff));
    EXPECT_FALSE(has(0x2000));
}

TEST_F(SecondLevelTest, NothingDeniedAndNoDistanceIsAnEntryToo) {
    insert(0, 0, 0, 0, 0);
    EXPECT_TRUE(has(0x10));
    EXPECT_EQ(tlb->find(0x10, tlb->keys(0)).physical(0x10), 0x10u);
}

TEST_F(SecondLevelTest, ALeafIsOneEntryWhateverItsSize) {
    insert(5 * kMega, 0, 1, kFar);
    insert(3 * kFar + 5, 0, 2, ~kFar + 1);
    for (std::uint64_t address = 4 * kMega; address < 6 * kMega; address += 0x3456) {
        const SecondLevelTlb::Entry entry = tlb->find(address, tlb->keys(0));
        ASSERT_TRUE(entry);
        EXPECT_EQ(entry.physical(address), address + kFar);
        EXPECT_EQ(entry.level, 1u);
    }
    EXPECT_FALSE(has(4 * kMega - 1));
    EXPECT_FALSE(has(6 * kMega));
    EXPECT_EQ(tlb->find(4 * kFar - 1, tlb->keys(0)).physical(4 * kFar - 1), 3 * kFar - 1);
    EXPECT_FALSE(has(4 * kFar));
}

TEST_F(SecondLevelTest, OwnersSeeTheirOwnAndWhatIsGlobal) {
    insert(0x1000, 0);
    insert(0x2000, SecondLevelTlb::kGlobal);
    insert(0x3000, SecondLevelTlb::kAlone);
    EXPECT_TRUE(has(0x1000, 0));
    EXPECT_FALSE(has(0x1000, 1));
    EXPECT_FALSE(has(0x1000, SecondLevelTlb::kAlone));
    EXPECT_TRUE(has(0x2000, 0));
    EXPECT_TRUE(has(0x2000, 3));
    EXPECT_TRUE(tlb->find(0x2000, tlb->keys(3)).global);
    EXPECT_FALSE(has(0x2000, SecondLevelTlb::kAlone));
    EXPECT_FALSE(has(0x3000, 0));
    EXPECT_TRUE(has(0x3000, SecondLevelTlb::kAlone));
    EXPECT_FALSE(tlb->find(0x1000, {}));
}

TEST_F(SecondLevelTest, TheLeastRecentlyUsedOfASetGoes) {
    for (std::uint64_t i = 0; i < kSetWays; ++i)
        insert(alias(i));
    EXPECT_TRUE(has(alias(0)));
    EXPECT_TRUE(has(alias(2)));
    insert(alias(4));
    EXPECT_FALSE(has(alias(1)));
    insert(alias(5));
    EXPECT_FALSE(has(alias(3)));
    for (const std::uint64_t i : {0, 2, 4, 5})
        EXPECT_TRUE(has(alias(i))) << i;
}

TEST_F(SecondLevelTest, FlushOfAnAddressDropsWhateverLeafCoversIt) {
    insert(0x1000);
    insert(0x2000);
    insert(5 * kMega, 0, 1);
    insert(3 * kFar, 0, 2);
    tlb->flush(0, 0x1000, kPageSize);
    EXPECT_FALSE(has(0x1000));
    EXPECT_TRUE(has(0x2000));
    tlb->flush(0, 4 * kMega + 0x7000, kPageSize);
    EXPECT_FALSE(has(5 * kMega));
    EXPECT_TRUE(has(3 * kFar));
    tlb->flush(0, 3 * kFar + 77 * kMega, 1);
    EXPECT_FALSE(has(3 * kFar));
    EXPECT_TRUE(has(0x2000));
}

TEST_F(SecondLevelTest, FlushOfARangeTakesAllThatItTouches) {
    for (const std::uint64_t page : {0x1000, 0x2000, 0x3000, 0x4000})
        insert(page);
    insert(2 * kMega, 0, 1);
    tlb->flush(0, 0x1fff, 0x1002); // a byte of the first and of the third page
    EXPECT_FALSE(has(0x1000) || has(0x2000) || has(0x3000));
    EXPECT_TRUE(has(0x4000) && has(2 * kMega));
    tlb->flush(0, 0x4000, 0);
    EXPECT_TRUE(has(0x4000));
    tlb->flush(0, ~std::uint64_t{0} - 0xfff, 0x2000); // wraps: everything
    EXPECT_FALSE(has(0x4000) || has(2 * kMega));
}

TEST_F(SecondLevelTest, FlushOfAnOwnerLeavesOthersAndGlobalPages) {
    insert(0x1000, 0);
    insert(0x1000, 1);
    insert(0x2000, SecondLevelTlb::kGlobal);
    tlb->flush(0);
    EXPECT_FALSE(has(0x1000, 0));
    EXPECT_TRUE(has(0x1000, 1));
    EXPECT_TRUE(has(0x2000, 0));
    insert(0x1000, 0);
    tlb->flush(0, 0x1000, 0x2000);
    EXPECT_FALSE(has(0x1000, 0));
    EXPECT_TRUE(has(0x2000, 0));
    tlb->flush(SecondLevelTlb::kGlobal);
    EXPECT_FALSE(has(0x2000, 0));
    EXPECT_TRUE(has(0x1000, 1));
    tlb->flush_all();
    EXPECT_FALSE(has(0x1000, 1));
}

TEST_F(SecondLevelTest, OwnersMayBeFlushedAnyNumberOfTimes) {
    for (unsigned i = 0; i < 5000; ++i) {
        const std::size_t owner = i % SecondLevelTlb::kOwners;
        insert(0x1000, owner);
        ASSERT_TRUE(has(0x1000, owner)) << i;
        tlb->flush(owner);
        ASSERT_FALSE(has(0x1000, owner)) << i;
    }
}

TEST_F(SecondLevelTest, FlushOfAPhysicalPageFindsAllThatLeadsThere) {
    insert(0x1000, 0, 0, kFar);
    insert(0x2000, 1, 0, kFar - 0x1000);
    insert(2 * kMega, SecondLevelTlb::kGlobal, 1, kFar - 2 * kMega);
    insert(0x3000, 0, 0, kFar);
    tlb->flush_physical(GuestPhysicalAddress(kFar + 0x1000));
    EXPECT_FALSE(has(0x1000, 0) || has(0x2000, 1) || has(2 * kMega, 0));
    EXPECT_TRUE(has(0x3000, 0));
}

// Random steps beside a list of what there is: whatever is found must be there. (What is there may be lost.)
TEST_F(SecondLevelTest, NeverFindsWhatWasFlushed) {
    struct Leaf {
        std::uint64_t physical;
        std::size_t owner;
        unsigned level;
    };
    std::mt19937_64 random(7);
    std::multimap<std::uint64_t, Leaf> leaves; // by first address
    const auto remove = [&](auto which) {
        std::erase_if(leaves, [&](const auto& leaf) { return which(leaf.first, leaf.second); });
    };
    // Few places, so that much meets.
    const auto any_address = [&] {
        return (random() % 4 << 30) + (random() % 3 << 21) + random() % 24 * kPageSize + random() % kPageSize;
    };
    std::uint64_t found = 0;
    for (int step = 0; step < 200000; ++step) {
        const std::uint64_t address = any_address();
        const std::size_t owner = random() % SecondLevelTlb::kOwners;
        switch (random() % 16) {
        case 0: {
            const std::uint64_t size = random() % 8 == 0 ? kMega : 1 + random() % (4 * kPageSize);
            tlb->flush(owner, address, size);
            remove([&](std::uint64_t first, const Leaf& leaf) {
                return leaf.owner == owner && address < first + page_size(leaf.level) &&
                       first < address + size;
            });
            break;
        }
        case 1:
            if (random() % 8 != 0)
                break;
            tlb->flush(owner);
            remove([&](std::uint64_t, const Leaf& leaf) { return leaf.owner == owner; });
            break;
        case 2: {
            const std::uint64_t page = any_address() & ~std::uint64_t{kPageSize - 1};
            tlb->flush_physical(GuestPhysicalAddress(page));
            remove([&](std::uint64_t, const Leaf& leaf) {
                return page - leaf.physical < page_size(leaf.level);
            });
            break;
        }
        case 3:
        case 4:
        case 5: {
            const unsigned level = random() % 4 == 0 ? 1 + random() % 2 : 0;
            if (has(address, owner))
                break;
            const std::uint64_t physical = any_address() & ~(page_size(level) - 1);
            const std::uint64_t first = address & ~(page_size(level) - 1);
            tlb->insert(address, physical + (address - first), level, 0, owner);
            leaves.emplace(first, Leaf{physical, owner, level});
            break;
        }
        default: {
            const SecondLevelTlb::Entry entry = tlb->find(address, tlb->keys(owner));
            if (!entry)
                break;
            ++found;
            bool known = false;
            for (const auto& [first, leaf] : leaves)
                known = known ||
                        (leaf.level == entry.level && address - first < page_size(leaf.level) &&
                         leaf.physical + (address - first) == entry.physical(address) &&
                         (leaf.owner == owner || (leaf.owner == SecondLevelTlb::kGlobal && entry.global)));
            ASSERT_TRUE(known) << "step " << step;
        }
        }
    }
    EXPECT_GT(found, 10000u);
}

} // namespace

} // namespace ashlar::jit::mmu
