#include "jit/mmu/prefetch.h"

#include "hosttests/mmu/mmu_fixture.h"

namespace ashlar::jit::mmu {

namespace {

constexpr std::uint64_t page(std::uint64_t number) {
    return number << kPageShift;
}

TEST(Prefetcher, HasNames) {
    EXPECT_EQ(prefetch_named("none"), Prefetch::None);
    EXPECT_EQ(prefetch_named("next"), Prefetch::NextPage);
    EXPECT_EQ(prefetch_named("stride"), Prefetch::Stride);
    EXPECT_FALSE(prefetch_named("both"));
}

TEST(Prefetcher, NextPageComesAfterEveryWalk) {
    Prefetcher prefetcher(Prefetch::NextPage);
    EXPECT_EQ(prefetcher.after_walk(page(7) + 5), page(8) + 5);
    EXPECT_EQ(prefetcher.after_walk(~std::uint64_t{0}), kPageSize - 1); // any address at all
}

TEST(Prefetcher, AStrideIsFollowedWhenItHasComeTwice) {
    Prefetcher prefetcher(Prefetch::Stride);
    EXPECT_FALSE(prefetcher.after_walk(page(10)));
    EXPECT_FALSE(prefetcher.after_walk(page(13)));
    EXPECT_EQ(prefetcher.after_walk(page(16)), page(19));
    EXPECT_FALSE(prefetcher.after_walk(page(17)));
    EXPECT_FALSE(prefetcher.after_walk(page(17)));
    EXPECT_FALSE(prefetcher.after_walk(page(17))); // the same page again is no stride
    EXPECT_FALSE(prefetcher.after_walk(page(15)));
    EXPECT_EQ(prefetcher.after_walk(page(13)), page(11)); // backward too
    // Another stretch of memory is another stream.
    EXPECT_FALSE(prefetcher.after_walk(page(5 << 12)));
    EXPECT_EQ(prefetcher.after_walk(page(11)), page(9));
}

class PrefetchTest : public MmuTest {
protected:
    void choose(Prefetch prefetch) {
        chosen = std::make_unique<Mmu>(memory, bus, translator, TlbOptions{.prefetch = prefetch});
        chosen->select({0, 0, 0}, {0, 0, 0});
    }
    std::unique_ptr<Mmu> chosen;
};

TEST_F(PrefetchTest, FindsTheNextPageWithoutAWalk) {
    // Given next-page prefetch
    choose(Prefetch::NextPage);
    // When page 3 is read, and then page 4
    ASSERT_TRUE(chosen->load(page(3), 8, value));
    ASSERT_TRUE(chosen->load(page(4), 8, value));
    // Then the second is found, by a look that left no trace, and counts as useful
    const TlbCounts counts = chosen->counts();
    EXPECT_EQ(counts.misses, 2u);
    EXPECT_EQ(counts.walks, 1u);
    EXPECT_EQ(counts.prefetches, 1u);
    EXPECT_EQ(counts.useful_prefetches, 1u);
    // And only once
    chosen->flush_data({0, 0, 0});
    ASSERT_TRUE(chosen->load(page(4), 8, value));
    EXPECT_EQ(chosen->counts().useful_prefetches, 1u);
}

TEST_F(PrefetchTest, NeverFaults) {
    // Given a page behind which there is none
    choose(Prefetch::NextPage);
    translator.absent = 4;
    // When it is read
    ASSERT_TRUE(chosen->load(page(3), 8, value));
    // Then nothing was entered, and only an access faults
    EXPECT_EQ(chosen->counts().prefetches, 0u);
    EXPECT_EQ(chosen->fault().cause, 0u);
    EXPECT_FALSE(chosen->load(page(4), 8, value));
    EXPECT_EQ(chosen->fault().address, page(4));
}

TEST_F(PrefetchTest, IsGoneAfterAFence) {
    choose(Prefetch::NextPage);
    ASSERT_TRUE(chosen->load(page(3), 8, value));
    chosen->flush(0, page(4), kPageSize);
    translator.absent = 4;
    EXPECT_FALSE(chosen->load(page(4), 8, value));
}

TEST_F(PrefetchTest, OffIsOff) {
    choose(Prefetch::None);
    ASSERT_TRUE(chosen->load(page(3), 8, value));
    EXPECT_EQ(translator.walks, 1u);
    EXPECT_EQ(chosen->counts().prefetches, 0u);
}

class Watcher final : public ReferenceObserver {
public:
    bool referenced(std::uint64_t address, Access access) override {
        seen.push_back({address, access});
        return true;
    }
    void mapped(const Mapping& mapping) override { mappings.push_back(mapping); }
    void selected(const Selection& data) override { space = data.space; }
    void flushed(const Flush& flush) override { flushes.push_back(flush); }

    std::vector<std::pair<std::uint64_t, Access>> seen;
    std::vector<Mapping> mappings;
    std::vector<Flush> flushes;
    std::size_t space = ~std::size_t{0};
};

class ObservedMmuTest : public MmuTest {
protected:
    ObservedMmuTest() { observed.select({1, 0, 1}, {1, 0, 1}); }
    Watcher watcher;
    Mmu observed{memory, bus, translator, TlbOptions{.observer = &watcher}};
};

TEST_F(ObservedMmuTest, ShowsEveryAccess) {
    // Given an observed MMU whose inline view finds nothing, ever
    EXPECT_EQ(watcher.space, 1u);
    // When a page is read, written and changed by an atomic access
    ASSERT_TRUE(observed.load(page(2) + 8, 8, value));
    ASSERT_TRUE(observed.store(page(2) + 16, 4, 1));
    ASSERT_NE(observed.atomic(page(2) + 24, 8, Access::Store), nullptr);
    ASSERT_TRUE(observed.load(page(3) - 4, 8, value)); // two pages
    // Then all of it is seen, and hits and misses are those of a TLB
    ASSERT_EQ(watcher.seen.size(), 5u);
    EXPECT_EQ(watcher.seen[0], std::pair(page(2) + 8, Access::Load));
    EXPECT_EQ(watcher.seen[2], std::pair(page(2) + 24, Access::Store));
    EXPECT_EQ(watcher.seen[4], std::pair(page(3), Access::Load));
    EXPECT_EQ(observed.counts().hits, 3u);
    EXPECT_EQ(observed.counts().misses, 2u);
    EXPECT_FALSE(observed.data().hits(kLoads, page(2), 8));
    EXPECT_EQ(watcher.mappings.back().address.value(), kRam + page(3));
}

TEST_F(ObservedMmuTest, ShowsDevicesAsSuchAndFaultsNotAtAll) {
    translator.absent = 9;
    EXPECT_FALSE(observed.load(page(9), 8, value));
    EXPECT_TRUE(watcher.seen.empty());
    EXPECT_FALSE(observed.load(page(kPages), 8, value)); // nothing is there
    ASSERT_EQ(watcher.mappings.size(), 1u);
    EXPECT_NE(watcher.mappings[0].denies & denies::kHost, 0u);
}

TEST_F(ObservedMmuTest, ShowsFlushes) {
    observed.flush(1, page(2), kPageSize);
    observed.flush_local_data(1);
    observed.flush_data(Selection{1, 0});
    observed.flush_data(std::size_t{1});
    ASSERT_EQ(watcher.flushes.size(), 4u);
    EXPECT_EQ(watcher.flushes[0].kind, Flush::Kind::Range);
    EXPECT_EQ(watcher.flushes[0].address, page(2));
    EXPECT_EQ(watcher.flushes[1].kind, Flush::Kind::Local);
    EXPECT_EQ(watcher.flushes[2].kind, Flush::Kind::Context);
    EXPECT_EQ(watcher.flushes[3].kind, Flush::Kind::Space);
}

} // namespace

} // namespace ashlar::jit::mmu
