#include "kernel/memory_report.h"

#include "hosttests/frames/frames_test.h"

namespace ashlar::kernel {
namespace {

NodeStatistics with_free(std::initializer_list<std::pair<unsigned, std::uint64_t>> blocks,
                         std::uint64_t cached = 0) {
    NodeStatistics statistics;
    statistics.free_frames = statistics.cached_frames = cached;
    for (const auto& [order, count] : blocks) {
        statistics.free_by_order[order] = count;
        statistics.free_frames += count << order;
    }
    return statistics;
}

TEST(MemoryReport, FragmentationIsWhatIsFreeInTooSmallBlocks) {
    EXPECT_EQ(fragmentation(with_free({}), 9), 0u);
    EXPECT_EQ(fragmentation(with_free({{9, 3}}), 9), 0u);
    EXPECT_EQ(fragmentation(with_free({{9, 3}}), 10), 1000u);
    EXPECT_EQ(fragmentation(with_free({{10, 1}, {8, 2}, {0, 512}}), 9), 500u);
    EXPECT_EQ(fragmentation(with_free({{9, 1}}, 512), 9), 500u); // frames in caches are single ones
    EXPECT_EQ(fragmentation(with_free({{0, 7}}), 0), 0u);
}

using Report = FramesTest;

TEST_F(Report, HasEveryNodesBlocksAndHits) {
    // Given
    all_usable();
    nodes(2);
    start();
    while (allocate(0, strict(1)).ok()) {
    }
    ASSERT_TRUE(allocate(0, {.node = 1}).ok());
    ASSERT_TRUE(allocate(9, {.node = 0, .others = {}, .hit = Hit::Interleaved}).ok());
    // When
    BufferSink<4096> sink;
    report_memory(*frames, sink);
    // Then
    const std::string text(sink.view());
    EXPECT_NE(text.find("ashlar: node 0: 30 MiB, 28 MiB free, "), std::string::npos) << text;
    EXPECT_NE(
        text.find(
            "ashlar: node 1: 31 MiB, 0 MiB free, 0 KiB of it in caches of CPUs, fragmentation 0.0 % at 2 "
            "MiB, 0.0 % at 1 GiB\n"),
        std::string::npos)
        << text;
    EXPECT_NE(
        text.find("ashlar: node 1: free blocks of 4 KiB to 1 GiB: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("ashlar: node 0: frames handed out: 1 local, 1 remote, 512 interleaved\n"),
              std::string::npos)
        << text; // the local one is for the caches themselves
}

TEST(MemoryReport, SharesAreThoseOfTheNodesThatHaveAny) {
    MemoryAccount account;
    account.frames = 3;
    account.frames_on[0] = 2;
    account.frames_on[3] = 1;
    BufferSink<64> sink;
    describe_shares(account, 4, sink);
    EXPECT_EQ(sink.view(), " node 0 66.6 %, node 3 33.3 %");
}

} // namespace
} // namespace ashlar::kernel
