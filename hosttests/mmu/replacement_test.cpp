#include "jit/mmu/replacement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "jit/mmu/second_level.h"

namespace ashlar::jit::mmu {

namespace {

constexpr Replacement kAll[] = {Replacement::Lru, Replacement::TreePlru, Replacement::Random,
                                Replacement::Adaptive};

TEST(Replacement, HasNames) {
    EXPECT_EQ(replacement_named("lru"), Replacement::Lru);
    EXPECT_EQ(replacement_named("plru"), Replacement::TreePlru);
    EXPECT_EQ(replacement_named("random"), Replacement::Random);
    EXPECT_EQ(replacement_named("adaptive"), Replacement::Adaptive);
    EXPECT_FALSE(replacement_named(""));
    EXPECT_FALSE(replacement_named("LRU"));
}

TEST(SetState, KnowsTheOrderOfUse) {
    std::mt19937 random(3);
    std::vector<std::size_t> order{0, 1, 2, 3}; // the latest first
    std::uint8_t state = 0;
    for (int step = 0; step < 1000; ++step) {
        const std::size_t way = random() % kSetWays;
        const bool used = random() % 4 != 0;
        order.erase(std::find(order.begin(), order.end(), way));
        order.insert(used ? order.begin() : order.end(), way);
        state = used ? kSetState.used(state, way) : kSetState.forgotten(state, way);
        ASSERT_EQ(SetState::oldest(state), order.back());
    }
}

TEST(SetState, TheTreePointsAwayFromWhatWasUsed) {
    std::uint8_t state = 0;
    for (const std::size_t way : {0u, 1u, 2u, 3u})
        state = kSetState.used(state, way);
    EXPECT_EQ(SetState::oldest_by_tree(state), 0u); // as it is
    state = kSetState.used(state, 0);
    EXPECT_EQ(SetState::oldest_by_tree(state), 2u); // 1 is older by use, 2 is in the other pair
    state = kSetState.used(state, 2);
    EXPECT_EQ(SetState::oldest_by_tree(state), 1u);
    state = kSetState.forgotten(state, 3);
    EXPECT_EQ(SetState::oldest_by_tree(state), 3u);
    std::mt19937 random(5);
    for (int step = 0; step < 1000; ++step) {
        const std::size_t way = random() % kSetWays;
        state = kSetState.used(state, way);
        ASSERT_NE(SetState::oldest_by_tree(state), way);
    }
}

// Misses of as many rounds over so many pages of each set.
std::uint64_t misses(Replacement replacement, std::uint64_t pages, unsigned rounds) {
    const auto tlb = std::make_unique<SecondLevelTlb>(replacement);
    std::uint64_t count = 0;
    for (unsigned round = 0; round < rounds; ++round)
        for (std::uint64_t page = 0; page < pages * SecondLevelTlb::kSets; ++page)
            if (!tlb->find(page << kPageShift, tlb->keys(0))) {
                tlb->insert(page << kPageShift, page << kPageShift, 0, 0, 0);
                ++count;
            }
    return count;
}

TEST(SecondLevelReplacement, WhatFitsStays) {
    for (const Replacement replacement : {Replacement::Lru, Replacement::TreePlru})
        EXPECT_EQ(misses(replacement, kSetWays, 4), kSetWays * SecondLevelTlb::kSets);
}

TEST(SecondLevelReplacement, AdaptiveLearnsThatLruLosesAllInACircle) {
    constexpr std::uint64_t kPages = kSetWays + 1;
    constexpr unsigned kRounds = 40;
    const std::uint64_t lru = misses(Replacement::Lru, kPages, kRounds);
    const std::uint64_t random = misses(Replacement::Random, kPages, kRounds);
    const std::uint64_t adaptive = misses(Replacement::Adaptive, kPages, kRounds);
    EXPECT_EQ(lru, kPages * SecondLevelTlb::kSets * kRounds);
    EXPECT_LT(random, lru * 7 / 10);
    EXPECT_LT(adaptive, lru * 8 / 10);
}

TEST(SecondLevelReplacement, AdaptiveStaysWithLruWhereThatIsBetter) {
    // Three pages of each set are used again and again, and others once between.
    const auto count = [](Replacement replacement) {
        const auto tlb = std::make_unique<SecondLevelTlb>(replacement);
        std::uint64_t result = 0;
        const auto use = [&](std::uint64_t page) {
            if (tlb->find(page << kPageShift, tlb->keys(0)))
                return;
            tlb->insert(page << kPageShift, page << kPageShift, 0, 0, 0);
            ++result;
        };
        for (std::uint64_t round = 0; round < 60; ++round)
            for (std::uint64_t set = 0; set < SecondLevelTlb::kSets; ++set) {
                for (std::uint64_t page = 0; page < 3; ++page)
                    use(page * SecondLevelTlb::kSets + set);
                use((3 + round) * SecondLevelTlb::kSets + set);
            }
        return result;
    };
    EXPECT_LT(count(Replacement::Lru) * 11, count(Replacement::Random) * 10);
    EXPECT_LT(count(Replacement::Adaptive) * 11, count(Replacement::Random) * 10);
}

TEST(SecondLevelReplacement, EveryPolicyKeepsToWhatIsThere) {
    for (const Replacement replacement : kAll) {
        const auto tlb = std::make_unique<SecondLevelTlb>(replacement);
        std::mt19937_64 random(9);
        std::uint64_t found = 0;
        for (int step = 0; step < 50000; ++step) {
            const std::uint64_t address = random() % 6000 << kPageShift;
            const SecondLevelTlb::Entry entry = tlb->find(address, tlb->keys(0));
            if (entry) {
                ++found;
                ASSERT_EQ(entry.physical(address), address ^ 0x4000'0000);
            } else {
                tlb->insert(address, address ^ 0x4000'0000, 0, 0, 0);
            }
        }
        EXPECT_GT(found, 10000u);
        EXPECT_GT(tlb->evictions(), 1000u);
    }
}

} // namespace

} // namespace ashlar::jit::mmu
