// Traces of memory references, written, read, and replayed: a replay misses where the engine did.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <random>
#include <unistd.h>

#include "bench/tlb_replay/model.h"
#include "hosttests/mmu/mmu_fixture.h"

namespace ashlar::bench {

namespace {

using namespace jit::mmu;
using jit::hosted::MemoryTraceEvent;
using jit::hosted::MemoryTraceReader;
using jit::hosted::MemoryTraceWriter;

class ReplayTest : public MmuTest {
protected:
    ReplayTest() : MmuTest(kManyPages) {}
    ~ReplayTest() override { std::filesystem::remove(path); }

    static constexpr std::size_t kManyPages = 6000;
    const std::string path =
        std::filesystem::temp_directory_path() / ("ashlar-replay-" + std::to_string(getpid()));
    std::string error;

    std::unique_ptr<MemoryTraceWriter> writer() {
        auto result = MemoryTraceWriter::create(path, error);
        EXPECT_NE(result, nullptr) << error;
        return result;
    }
    std::vector<MemoryTraceEvent> events(bool& whole) {
        std::vector<MemoryTraceEvent> result;
        const auto reader = MemoryTraceReader::open(path, error);
        EXPECT_NE(reader, nullptr) << error;
        MemoryTraceEvent event;
        whole = false;
        while (!whole && reader->next(event)) {
            result.push_back(event);
            whole = event.kind == MemoryTraceEvent::Kind::End;
        }
        return result;
    }
};

TEST_F(ReplayTest, AFileHasWhatWasRecorded) {
    // Given a file with a selection, references up and down, one of them twice, and a fence
    const auto trace = writer();
    trace->selected({2, 1, 3, denies::kUser});
    trace->selected({2, 1, 3, denies::kUser}); // as it was
    EXPECT_TRUE(trace->referenced(0xffff'ffff'8000'1234, Access::Load));
    trace->mapped({GuestPhysicalAddress(0), {1, true}, denies::kStores | denies::kUser});
    EXPECT_FALSE(trace->referenced(0xffff'ffff'8000'1000, Access::Load));
    EXPECT_TRUE(trace->referenced(0x1000, Access::Store));
    trace->mapped({GuestPhysicalAddress(0), {0, false}, 0, false});
    trace->flushed({Flush::Kind::Range, 2, 0, 0x1000, 0x3000});
    EXPECT_TRUE(trace->referenced(0x1000, Access::Store));
    trace->mapped({GuestPhysicalAddress(0), {2, false}, 0, true, true, true});
    ASSERT_TRUE(trace->finish(error)) << error;
    // When it is read
    bool whole = false;
    const auto read = events(whole);
    // Then that is in it
    ASSERT_TRUE(whole);
    ASSERT_EQ(read.size(), 6u);
    EXPECT_EQ(read[0].selection.space, 2u);
    EXPECT_EQ(read[0].selection.context, 1u);
    EXPECT_EQ(read[0].selection.owner, 3u);
    EXPECT_EQ(read[0].selection.audience, denies::kUser);
    EXPECT_EQ(read[1].page, 0xffff'ffff'8000'1000 >> kPageShift);
    EXPECT_FALSE(read[1].stores);
    EXPECT_EQ(read[1].leaf.level, 1u);
    EXPECT_TRUE(read[1].leaf.global);
    EXPECT_EQ(read[1].denies, denies::kStores | denies::kUser);
    EXPECT_TRUE(read[1].kept);
    EXPECT_EQ(read[2].page, 1u);
    EXPECT_TRUE(read[2].stores);
    EXPECT_FALSE(read[2].kept);
    EXPECT_EQ(read[3].flush.kind, Flush::Kind::Range);
    EXPECT_EQ(read[3].flush.address, 0x1000u);
    EXPECT_EQ(read[3].flush.size, 0x3000u);
    EXPECT_TRUE(read[4].kept);
    EXPECT_EQ(read[4].leaf.level, 0u); // identity: no leaf
    EXPECT_EQ(read[5].references, 4u);
}

TEST_F(ReplayTest, DamagedFilesAreNoMoreThanThat) {
    {
        const auto trace = writer();
        trace->selected({0, 0, 0});
        for (std::uint64_t page = 0; page < 50; ++page) {
            trace->referenced(page * 77 << kPageShift, Access::Load);
            trace->mapped({GuestPhysicalAddress(0), {}});
        }
        ASSERT_TRUE(trace->finish(error));
    }
    const auto size = std::filesystem::file_size(path);
    std::mt19937 random(4);
    for (int round = 0; round < 200; ++round) {
        std::FILE* const file = std::fopen(path.c_str(), "r+b");
        ASSERT_NE(file, nullptr);
        std::fseek(file, static_cast<long>(8 + random() % (size - 8)), SEEK_SET);
        std::fputc(static_cast<int>(random() & 0xff), file);
        std::fclose(file);
        TlbModel model(TlbChoice{64});
        bool whole = false;
        for (const MemoryTraceEvent& event : events(whole))
            model.replay(event);
    }
    std::filesystem::resize_file(path, size / 2);
    bool whole = true;
    events(whole);
    EXPECT_FALSE(whole);
    std::filesystem::resize_file(path, 4);
    EXPECT_EQ(MemoryTraceReader::open(path, error), nullptr);
    EXPECT_NE(error.find("not a memory trace"), std::string::npos);
    EXPECT_EQ(MemoryTraceReader::open(path + "/no", error), nullptr);
    EXPECT_EQ(MemoryTraceWriter::create(path + "/no", error), nullptr);
}

// Random accesses, changes of space and fences: what the MMU counts is what a replay counts.
TEST_F(ReplayTest, MissesWhereTheEngineDid) {
    for (const Replacement replacement :
         {Replacement::Lru, Replacement::TreePlru, Replacement::Random, Replacement::Adaptive}) {
        const auto trace = writer();
        Mmu observed(memory, bus, translator, {replacement, Prefetch::None, trace.get()});
        TlbModel model({1024, replacement, Prefetch::None});
        std::mt19937_64 random(11);
        observed.select({0, 0, 0}, {0, 0, 0});
        for (int step = 0; step < 60000; ++step) {
            const std::size_t space = random() % 3;
            const std::uint64_t choice = random() % 400, spread = choice < 200 ? 90 : kManyPages;
            const std::uint64_t address = (random() % spread) << kPageShift;
            if (choice == 0)
                observed.flush(space, address, kPageSize);
            else if (choice == 1 && random() % 8 == 0)
                observed.flush_data(space);
            else if (choice == 2)
                observed.flush_local_data(space);
            else if (choice < 10)
                observed.select({space, space % 2, space}, {0, 0, 0});
            else if (choice % 3 == 0)
                ASSERT_TRUE(observed.store(address, 8, 1));
            else
                ASSERT_TRUE(observed.load(address + 8, 4, value));
        }
        ASSERT_TRUE(trace->finish(error));
        bool whole = false;
        std::uint64_t references = 0;
        for (const MemoryTraceEvent& event : events(whole)) {
            model.replay(event);
            references = event.references;
        }
        ASSERT_TRUE(whole);
        const TlbCounts real = observed.counts(), replayed = model.counts();
        EXPECT_EQ(replayed.misses, real.misses);
        EXPECT_EQ(replayed.walks, real.walks);
        EXPECT_EQ(replayed.evictions, real.evictions);
        EXPECT_EQ(references, real.hits + real.misses);
        EXPECT_GT(real.evictions, 500u);
        EXPECT_GE(replayed.walks, model.first_walks());
    }
}

TEST(TlbModel, APrefetcherFindsWhatWasThereBefore) {
    // Given pages that were used in order, and have been displaced since
    TlbModel model({64, Replacement::Lru, Prefetch::NextPage});
    TlbModel without({64, Replacement::Lru, Prefetch::None});
    MemoryTraceEvent event;
    event.kind = MemoryTraceEvent::Kind::Selection;
    event.selection = {0, 0, 0};
    const auto replay = [&] {
        model.replay(event);
        without.replay(event);
    };
    replay();
    event.kind = MemoryTraceEvent::Kind::Reference;
    // When they are used again
    for (int round = 0; round < 2; ++round)
        for (event.page = 0; event.page < 9000; ++event.page)
            replay();
    // Then half of the walks are not needed, and those for the first use are
    EXPECT_EQ(without.counts().walks, 18000u);
    EXPECT_EQ(without.first_walks(), 9000u);
    EXPECT_LT(model.counts().walks, 14000u);
    EXPECT_GT(model.counts().useful_prefetches, 4000u);
}

} // namespace

} // namespace ashlar::bench
