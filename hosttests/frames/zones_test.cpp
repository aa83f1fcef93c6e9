#include "kernel/frame_zones.h"

#include "hosttests/frames/frames_test.h"

namespace ashlar::kernel {
namespace {

using FrameRun = std::pair<std::uint64_t, std::uint64_t>;

class Zones : public FramesTest {
protected:
    std::vector<FrameRun> usable_runs() const {
        std::vector<FrameRun> runs;
        for_each_usable_run(boot,
                            [&](std::uint64_t begin, std::uint64_t end) { runs.emplace_back(begin, end); });
        return runs;
    }
    void initialize() {
        BufferSink<1024> sink;
        zones->initialize(boot, false, sink);
        diagnostics = sink.view();
    }
    std::uint64_t total() const {
        std::uint64_t sum = 0;
        for (const FrameZone& zone : zones->all())
            sum += zone.end - zone.begin;
        return sum;
    }
    std::unique_ptr<FrameZones> zones = std::make_unique<FrameZones>();
};

TEST_F(Zones, UsableMemoryIsSortedMergedAndReservedWins) {
    // Given: unsorted, overlapping and touching ranges, a reserved hole, an image and a bundle in the middle
    range(0x800000, 0x100000);
    range(0, 0x9fc00);
    range(0x100000, 0x700000);
    range(0x7ff000, 0x2000);
    range(0x300000, 0x1000, MemoryRange::Kind::Reserved);
    boot.image_begin = PhysicalAddress(0x200000);
    boot.image_end = PhysicalAddress(0x240000);
    boot.bundle = PhysicalAddress(0x400123);
    boot.bundle_size = 0x1000;
    // Then
    const std::vector<FrameRun> expected = {{0x100, 0x200}, {0x240, 0x300}, {0x301, 0x400}, {0x402, 0x900}};
    EXPECT_EQ(usable_runs(), expected);
}

TEST_F(Zones, PiecesOfANodeThatTouchAreOneZone) {
    // Given: a node described in three ranges, the last of them of another node
    range(kMiB, 62 * kMiB);
    boot.numa.node_count = 2;
    boot.numa.ranges[0] = {PhysicalAddress(32 * kMiB), 32 * kMiB, 1};
    boot.numa.ranges[1] = {PhysicalAddress(0), 16 * kMiB, 0};
    boot.numa.ranges[2] = {PhysicalAddress(16 * kMiB), 16 * kMiB, 0};
    boot.numa.range_count = 3;
    // When
    initialize();
    // Then
    ASSERT_EQ(zones->all().size(), 2u);
    EXPECT_EQ(zones->all()[0].node, 0u);
    EXPECT_EQ(zones->all()[0].end, 0x2000u);
    EXPECT_EQ(zones->all()[1].node, 1u);
    EXPECT_EQ(zones->all()[1].end, 0x3f00u - 2); // less the states
    EXPECT_EQ(diagnostics, "");
}

TEST_F(Zones, EveryRunOfAMapFullOfHolesIsUsed) {
    // Given: as many ranges as a map can have, one frame each, a hole after each
    constexpr std::size_t kRuns = BootInformation::kMaxRanges;
    for (std::uint64_t i = 0; i < kRuns; ++i)
        range(kMiB + (kRuns - 1 - i) * 3 * kPageSize, i == 7 ? 2 * kPageSize : kPageSize);
    // When
    initialize();
    // Then: none is lost but the frame that holds the states
    EXPECT_EQ(total(), kRuns);
    EXPECT_EQ(diagnostics, "");
    std::uint64_t found = 0;
    for (std::uint64_t frame = 0; frame < 0x800; ++frame)
        found += zones->find(frame) != nullptr ? 1 : 0;
    EXPECT_EQ(found, kRuns);
}

TEST_F(Zones, AMapCutInEveryWayStillFits) {
    // Given: every usable range has a hole, and the topology cuts everywhere
    for (std::uint64_t i = 0; i < BootInformation::kMaxRanges / 2; ++i) {
        range(kMiB + i * 64 * kPageSize, 64 * kPageSize);
        range(kMiB + i * 64 * kPageSize + 5 * kPageSize, kPageSize, MemoryRange::Kind::Reserved);
    }
    boot.numa.node_count = 2;
    for (std::uint64_t i = 0; i < NumaTopology::kMaxRanges; ++i)
        boot.numa.ranges[boot.numa.range_count++] = {PhysicalAddress(kMiB + i * 32 * kPageSize),
                                                     20 * kPageSize, static_cast<NodeId>(i % 2)};
    // When
    initialize();
    // Then: two frames hold the states of node 0, which has more than 4096, one those of node 1
    EXPECT_EQ(total(), BootInformation::kMaxRanges / 2 * 63 - 3);
    EXPECT_EQ(diagnostics,
              "ashlar: numa: 12288 KiB of usable memory are no node's, they count as node 0's\n");
}

TEST_F(Zones, FramesThatAreNotOursAreFoundNowhere) {
    range(2 * kMiB, 4 * kMiB);
    range(8 * kMiB, 4 * kMiB);
    initialize();
    for (const std::uint64_t frame : {0x0ul, 0x1fful, 0x600ul, 0x7fful, 0xc00ul, ~0ul})
        EXPECT_EQ(zones->find(frame), nullptr) << frame;
    EXPECT_EQ(zones->find(0x5ff), &zones->all()[0]);
    EXPECT_EQ(zones->find(0xbff), &zones->all()[1]);
}

TEST_F(Zones, StatesTakeTheEndThatIsNoUseForLargeBlocks) {
    // Given: a zone that begins at a multiple of 32 MiB and ends at none
    range(32 * kMiB, 17 * kMiB);
    initialize();
    EXPECT_EQ(zones->all()[0].begin, 32 * kMiB / kPageSize);
    EXPECT_EQ(zones->all()[0].end, 49 * kMiB / kPageSize - 2);
}

TEST_F(Zones, NoMemoryAtAllIsNoZone) {
    range(0, kMiB);
    initialize();
    EXPECT_TRUE(zones->all().empty());
    EXPECT_EQ(zones->find(0), nullptr);
}

} // namespace
} // namespace ashlar::kernel
