#include "drivers/virtio/shadow_disk.h"

#include "hosttests/virtio/shadowed_vm.h"

namespace ashlar::virtio {
namespace {

using test::CheckingPort, test::Driver, test::ScatteredRam;
using Kind = DiskRequest::Kind;

class ShadowDiskTest : public testing::Test {
protected:
    ShadowDiskTest() { start({.offset = 64 << 10, .length = 128 << 10}); }
    void start(DiskSlice slice) {
        for (std::size_t i = 0; i < slice.identity.size(); ++i)
            slice.identity[i] = static_cast<char>('a' + i);
        port.slice = slice;
        disk.emplace(port, window, slice);
        ASSERT_TRUE(disk->attach(driver.addresses(), feature::kVersion1 | feature::kIndirect).ok());
    }
    // What a request is answered with, that does not reach the disk.
    std::uint8_t answer(std::uint32_t type, std::uint64_t sector, std::uint32_t length) {
        driver.request(0, type, sector, length);
        EXPECT_TRUE(disk->kick().ok());
        EXPECT_TRUE(port.waiting.empty());
        EXPECT_TRUE(disk->settle());
        return driver.status(0);
    }

    ScatteredRam ram;
    GuestWindow window{ram, ScatteredRam::kBase, ScatteredRam::kSize};
    Driver driver{ram, 64};
    CheckingPort port;
    std::optional<ShadowDisk> disk;
};

TEST_F(ShadowDiskTest, PassesTransfersOnToItsPartOfTheDisk) {
    driver.request(0, block::kRead, 3, 4096);
    driver.request(3, block::kWrite, 255, 512);
    ASSERT_TRUE(disk->kick().ok());
    ASSERT_EQ(port.waiting.size(), 2u);
    EXPECT_EQ(port.waiting[0].kind, Kind::Read);
    EXPECT_EQ(port.waiting[0].offset, (64u << 10) + 3 * 512);
    EXPECT_EQ(port.waiting[0].length, 4096u);
    ASSERT_EQ(port.waiting[0].data.size(), 1u);
    EXPECT_EQ(port.waiting[0].data[0].address, ScatteredRam::device(5));
    EXPECT_EQ(port.waiting[1].kind, Kind::Write);
    EXPECT_EQ(port.waiting[1].offset, (64u << 10) + 255 * 512);
    EXPECT_FALSE(disk->idle());
    EXPECT_EQ(driver.used_index(), 0u);
    port.complete(*disk, 1);
    port.complete(*disk);
    EXPECT_TRUE(disk->settle());
    EXPECT_TRUE(disk->idle());
    EXPECT_EQ(driver.used_head(0), 3u);
    EXPECT_EQ(driver.used_length(0), 1u);
    EXPECT_EQ(driver.used_head(1), 0u);
    EXPECT_EQ(driver.used_length(1), 4097u);
    EXPECT_EQ(driver.status(0), block::kOk);
    EXPECT_EQ(driver.status(3), block::kOk);
    EXPECT_FALSE(disk->settle());
}

TEST_F(ShadowDiskTest, DataThatIsInPiecesStaysWhereItIs) {
    driver.request(0, block::kRead, 0, 8192, Driver::kData + 1024); // three pages
    ASSERT_TRUE(disk->kick().ok());
    ASSERT_EQ(port.waiting.size(), 1u);
    ASSERT_EQ(port.waiting[0].data.size(), 3u);
    EXPECT_EQ(port.waiting[0].data[0].address, ScatteredRam::device(5) + 1024);
    EXPECT_EQ(port.waiting[0].data[0].length, 3072u);
    EXPECT_EQ(port.waiting[0].data[1].address, ScatteredRam::device(6));
    EXPECT_EQ(port.waiting[0].data[2].length, 1024u);
}

// A page may be too small a piece for the disk: a request becomes several, of whole blocks.
TEST_F(ShadowDiskTest, LongRequestsBecomeSeveral) {
    port.disk.most_pieces = 2;
    driver.request(0, block::kRead, 0, 5 * 4096, Driver::kData + 100);
    ASSERT_TRUE(disk->kick().ok());
    ASSERT_GT(port.waiting.size(), 1u);
    std::uint64_t total = 0;
    for (const CheckingPort::Request& request : port.waiting) {
        EXPECT_EQ(request.offset, (64u << 10) + total);
        total += request.length;
    }
    EXPECT_EQ(total, 5u * 4096);
    while (port.waiting.size() > 1)
        port.complete(*disk);
    EXPECT_EQ(driver.used_index(), 0u);
    port.complete(*disk, 0, Error::Io); // one that fails is enough
    EXPECT_EQ(driver.used_index(), 1u);
    EXPECT_EQ(driver.status(0), block::kIoError);
}

TEST_F(ShadowDiskTest, WaitsForRoom) {
    port.room = 1;
    port.disk.most_pieces = 1;
    driver.request(0, block::kRead, 0, 8192);
    driver.request(3, block::kWrite, 0, 512);
    driver.request(6, block::kFlushRequest, 0, 0);
    ASSERT_TRUE(disk->kick().ok());
    for (const Kind kind : {Kind::Read, Kind::Read, Kind::Write, Kind::Flush}) {
        ASSERT_EQ(port.waiting.size(), 1u);
        EXPECT_EQ(port.waiting[0].kind, kind);
        port.complete(*disk);
        disk->settle();
    }
    EXPECT_EQ(driver.used_index(), 3u);
    EXPECT_TRUE(port.waiting.empty());
}

TEST_F(ShadowDiskTest, NothingReachesWhatIsNotItsPart) {
    constexpr std::uint64_t kSectors = 256, kFar = ~std::uint64_t{0};
    for (const std::uint32_t type : {block::kRead, block::kWrite}) {
        EXPECT_EQ(answer(type, kSectors, 512), block::kIoError);
        EXPECT_EQ(answer(type, kSectors - 1, 1024), block::kIoError);
        EXPECT_EQ(answer(type, kFar, 512), block::kIoError);
        EXPECT_EQ(answer(type, kFar / 512, 1024), block::kIoError);
        EXPECT_EQ(answer(type, kFar / 512 + 1, 512), block::kIoError); // 0 in bytes
        EXPECT_EQ(answer(type, 0, 0), block::kIoError);
        EXPECT_EQ(answer(type, 0, 511), block::kIoError);
        EXPECT_EQ(answer(type, 0, 513), block::kIoError);
    }
}

TEST_F(ShadowDiskTest, PartsOfBlocksAreRefused) {
    port.disk.block_size = 4096;
    EXPECT_EQ(answer(block::kRead, 0, 512), block::kIoError);
    EXPECT_EQ(answer(block::kWrite, 1, 4096), block::kIoError);
    driver.request(0, block::kWrite, 8, 4096);
    EXPECT_TRUE(disk->kick().ok());
    EXPECT_EQ(port.waiting.size(), 1u);
}

TEST_F(ShadowDiskTest, AReadOnlyPartIsNotWritten) {
    start({.offset = 0, .length = 64 << 10, .read_only = true});
    driver.ram.store(Driver::kDriver + 2, std::uint16_t{0});
    EXPECT_EQ(answer(block::kWrite, 0, 512), block::kIoError);
    EXPECT_EQ(answer(block::kDiscardRequest, 0, 16), block::kIoError);
    EXPECT_EQ(answer(block::kWriteZeroesRequest, 0, 16), block::kIoError);
    driver.request(0, block::kRead, 0, 512);
    EXPECT_TRUE(disk->kick().ok());
    EXPECT_EQ(port.waiting.size(), 1u);
}

TEST_F(ShadowDiskTest, ErasesRangesOfItsPart) {
    const auto range = [&](std::uint64_t sector, std::uint32_t sectors, std::uint32_t flags) {
        driver.ram.store(Driver::kData, sector);
        driver.ram.store(Driver::kData + 8, sectors);
        driver.ram.store(Driver::kData + 12, flags);
    };
    range(8, 16, 0);
    driver.request(0, block::kDiscardRequest, 0, 16);
    ASSERT_TRUE(disk->kick().ok());
    range(0, 256, 1);
    driver.request(3, block::kWriteZeroesRequest, 0, 16);
    ASSERT_TRUE(disk->kick().ok());
    ASSERT_EQ(port.waiting.size(), 2u);
    EXPECT_EQ(port.waiting[0].kind, Kind::Discard);
    EXPECT_EQ(port.waiting[0].offset, (64u << 10) + 8 * 512);
    EXPECT_EQ(port.waiting[0].length, 16u * 512);
    EXPECT_EQ(port.waiting[1].kind, Kind::WriteZeroes);
    EXPECT_TRUE(port.waiting[1].may_unmap);
    port.complete_all(*disk);
    EXPECT_TRUE(disk->settle());
    EXPECT_EQ(driver.status(0), block::kOk);

    range(0, 257, 0);
    EXPECT_EQ(answer(block::kDiscardRequest, 0, 16), block::kIoError);
    range(256, 1, 0);
    EXPECT_EQ(answer(block::kWriteZeroesRequest, 0, 16), block::kIoError);
    range(0, 0, 0);
    EXPECT_EQ(answer(block::kDiscardRequest, 0, 16), block::kIoError);
    range(0, 1, 1);
    EXPECT_EQ(answer(block::kDiscardRequest, 0, 16), block::kUnsupportedRequest);
    range(0, 1, 2);
    EXPECT_EQ(answer(block::kWriteZeroesRequest, 0, 16), block::kUnsupportedRequest);
    EXPECT_EQ(answer(block::kDiscardRequest, 0, 32), block::kUnsupportedRequest);
    port.fails = Error::Unsupported; // the disk's own word
    range(0, 1, 0);
    EXPECT_EQ(answer(block::kDiscardRequest, 0, 16), block::kUnsupportedRequest);
}

TEST_F(ShadowDiskTest, TellsItsName) {
    EXPECT_EQ(answer(block::kGetId, 0, 20), block::kOk);
    EXPECT_EQ(driver.ram.load<std::uint64_t>(Driver::kData), 0x6867'6665'6463'6261u);
    EXPECT_EQ(answer(block::kGetId, 0, 3), block::kOk);
    EXPECT_EQ(answer(99, 0, 512), block::kUnsupportedRequest);
}

TEST_F(ShadowDiskTest, WithoutACacheAFlushIsDone) {
    port.disk.can_flush = false;
    EXPECT_EQ(answer(block::kFlushRequest, 0, 0), block::kOk);
}

TEST_F(ShadowDiskTest, RequestsWithoutHeaderOrStatusBreakTheQueue) {
    driver.descriptor(0, Driver::kHeader, 15, descriptor::kNext, 1);
    driver.descriptor(1, Driver::kStatus, 1, descriptor::kWrite);
    driver.offer(0);
    EXPECT_FALSE(disk->kick().ok());
    driver.request(0, block::kRead, 0, 512);
    EXPECT_FALSE(disk->kick().ok()); // until it begins anew
    EXPECT_TRUE(port.waiting.empty());
    disk->detach();
    driver.ram.store(Driver::kDriver + 2, std::uint16_t{0});
    ASSERT_TRUE(disk->attach(driver.addresses(), feature::kVersion1).ok());
    driver.descriptor(0, Driver::kHeader, 16);
    driver.offer(0);
    EXPECT_FALSE(disk->kick().ok());
}

TEST_F(ShadowDiskTest, ABrokenQueueIsToldWhenItIsFoundLater) {
    port.room = 1;
    driver.request(0, block::kRead, 0, 512);
    driver.request(3, block::kRead, 0, 512);
    driver.offer(0); // is in flight
    ASSERT_TRUE(disk->kick().ok());
    port.complete(*disk);
    driver.ram.store(Driver::kDriver, std::uint16_t{1}); // wants no interrupts
    EXPECT_FALSE(disk->settle());
    driver.ram.store(Driver::kDriver + 2, std::uint16_t{1000});
    port.complete(*disk);
    EXPECT_TRUE(disk->settle());
    EXPECT_FALSE(disk->kick().ok());
}

TEST_F(ShadowDiskTest, ADriverThatGoesLeavesRequestsBehind) {
    driver.request(0, block::kRead, 0, 512);
    ASSERT_TRUE(disk->kick().ok());
    disk->detach();
    EXPECT_FALSE(disk->idle());
    EXPECT_FALSE(disk->kick().ok());
    const Status early = disk->attach(driver.addresses(), feature::kVersion1);
    EXPECT_TRUE(!early.ok() && early.error() == Error::Busy);
    port.complete(*disk);
    EXPECT_FALSE(disk->settle());
    EXPECT_EQ(driver.used_index(), 0u); // nobody is told
    EXPECT_EQ(driver.status(0), 0xaau);
    EXPECT_TRUE(disk->idle());
    EXPECT_TRUE(disk->attach(driver.addresses(), feature::kVersion1).ok());
}

// What is checked is what is used: the driver's changes come too late.
TEST_F(ShadowDiskTest, LaterChangesDoNotCount) {
    port.room = 0;
    driver.request(0, block::kRead, 1, 512);
    ASSERT_TRUE(disk->kick().ok());
    driver.header(block::kWrite, 77);
    driver.descriptor(1, 0, ~0u, descriptor::kWrite);
    driver.descriptor(2, 0, 1, descriptor::kWrite);
    port.room = 1;
    disk->settle();
    ASSERT_EQ(port.waiting.size(), 1u);
    EXPECT_EQ(port.waiting[0].kind, Kind::Read);
    EXPECT_EQ(port.waiting[0].offset, (64u << 10) + 512);
    port.complete(*disk);
    EXPECT_EQ(driver.status(0), block::kOk);
}

// A driver that fills its ring again and again does not keep the hypervisor in a kick.
TEST_F(ShadowDiskTest, WorkPerKickIsBounded) {
    for (std::uint16_t i = 0; i < 64; ++i)
        driver.descriptor(i, Driver::kHeader, 16, descriptor::kNext, 63);
    driver.descriptor(63, Driver::kStatus, 1, descriptor::kWrite);
    driver.header(99, 0);
    for (std::uint16_t i = 0; i < 60; ++i)
        driver.offer(i);
    ASSERT_TRUE(disk->kick().ok());
    EXPECT_LE(driver.used_index(), 64u);
}

} // namespace
} // namespace ashlar::virtio
