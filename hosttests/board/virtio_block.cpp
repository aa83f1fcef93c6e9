#include "jit/board/virtio_block.h"

#include <gtest/gtest.h>

#include "virtio_driver.h"

namespace ashlar::jit::board {
namespace {

using test::kNext;
using test::kWrite;
using VirtioBlockTest = test::VirtioTest;

constexpr std::uint32_t kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kDiscard = 11, kWriteZeroes = 13;
constexpr std::uint8_t kOk = 0, kIoError = 1, kUnsupported = 2;
constexpr std::uint64_t kFlushFeature = 1u << 9, kDiscardFeature = 1u << 13, kWriteZeroesFeature = 1u << 14;

TEST_F(VirtioBlockTest, DescribesTheDisk) {
    EXPECT_EQ(slot.read(0x100, 8).value(), 64u); // capacity in sectors
    EXPECT_EQ(read(0x10c), 254u);                // seg_max
    EXPECT_EQ(read(0x114), 512u);                // blk_size
    EXPECT_EQ(slot.read(0x118, 1).value(), 0u);  // one logical block per physical block
    EXPECT_EQ(slot.read(0x11a, 2).value(), 1u);
    EXPECT_EQ(slot.read(0x122, 2).value(), 1u);       // num_queues
    EXPECT_EQ(slot.read(0x13a, 4).value() >> 16, 0u); // past the end
    EXPECT_EQ(slot.read(0x200, 8).value(), 0u);
    write(0x14, 0);
    EXPECT_EQ(read(0x10), 1u << 2 | 1u << 6 | 1u << 9 | 1u << 10 | 1u << 13 | 1u << 14 | 1u << 28 | 1u << 29);
    write(0x14, 1);
    EXPECT_EQ(read(0x10), 1u);
    write(0x14, 2);
    EXPECT_EQ(read(0x10), 0u);
}

TEST_F(VirtioBlockTest, Reads) {
    start(kVersion1Feature);
    submit(kIn, 3, 1024, true);
    EXPECT_EQ(status_byte(), kOk);
    EXPECT_EQ(std::memcmp(at(kData), disk.content.data() + 3 * 512, 1024), 0);
    EXPECT_EQ(used_index(), 1u);
    EXPECT_EQ(used_length(0), 1025u);
    EXPECT_TRUE(irq());
    EXPECT_EQ(read(0x60), 1u);
    write(0x64, 1);
    EXPECT_FALSE(irq());
}

TEST_F(VirtioBlockTest, Writes) {
    start(kVersion1Feature | kFlushFeature);
    std::memset(at(kData), 0x5a, 1024);
    submit(kOut, 62, 1024, false);
    EXPECT_EQ(status_byte(), kOk);
    EXPECT_EQ(disk.content[62 * 512], std::byte{0x5a});
    EXPECT_EQ(disk.content.back(), std::byte{0x5a});
    EXPECT_EQ(used_length(0), 1u);
    EXPECT_EQ(disk.flushes, 0u);
    submit(kFlush, 0, 0, false);
    EXPECT_EQ(status_byte(), kOk);
    EXPECT_EQ(disk.flushes, 1u);
}

TEST_F(VirtioBlockTest, WritesAreDurableWithoutFlush) {
    start(kVersion1Feature);
    submit(kOut, 0, 512, false);
    EXPECT_EQ(disk.flushes, 1u);
}

TEST_F(VirtioBlockTest, RefusesWhatIsOutOfRangeOrPartial) {
    start(kVersion1Feature);
    for (const auto& [sector, length] : std::vector<std::pair<std::uint64_t, std::uint32_t>>{
             {63, 1024}, {64, 512}, {~std::uint64_t{0}, 512}, {std::uint64_t{1} << 55, 512}, {0, 500}}) {
        for (const bool in : {true, false}) {
            submit(in ? kIn : kOut, sector, length, in);
            EXPECT_EQ(status_byte(), kIoError) << sector << ' ' << length;
        }
    }
    EXPECT_FALSE(needs_reset());
}

TEST_F(VirtioBlockTest, ReadOnlyDisksRefuseWrites) {
    disk.is_read_only = true;
    write(0x14, 0);
    EXPECT_EQ(read(0x10) & (1u << 5 | 1u << 13 | 1u << 14), 1u << 5);
    start(kVersion1Feature);
    const auto before = disk.content;
    submit(kOut, 0, 512, false);
    EXPECT_EQ(status_byte(), kIoError);
    EXPECT_EQ(disk.content, before);
    submit(kIn, 0, 512, true);
    EXPECT_EQ(status_byte(), kOk);
}

TEST_F(VirtioBlockTest, ReportsFailuresOfTheBackend) {
    start(kVersion1Feature | kFlushFeature);
    disk.fails = true;
    for (const std::uint32_t type : {kIn, kOut, kFlush}) {
        submit(type, 0, type == kFlush ? 0 : 512, type == kIn);
        EXPECT_EQ(status_byte(), kIoError);
    }
}

TEST_F(VirtioBlockTest, Identifies) {
    start(kVersion1Feature);
    std::memset(at(kData), 0xff, 20);
    submit(kGetId, 0, 20, true);
    EXPECT_EQ(status_byte(), kOk);
    EXPECT_EQ(std::memcmp(at(kData), "serial-0123456789\0\0\0", 20), 0);
    submit(kGetId, 0, 19, true);
    EXPECT_EQ(status_byte(), kIoError);
}

TEST_F(VirtioBlockTest, RefusesUnknownRequests) {
    start(kVersion1Feature);
    submit(99, 0, 512, true);
    EXPECT_EQ(status_byte(), kUnsupported);
    submit(kDiscard, 0, 16, false); // not negotiated
    EXPECT_EQ(status_byte(), kUnsupported);
}

class EraseTest : public test::VirtioTest {
protected:
    std::uint8_t erase(std::uint32_t type, std::uint64_t sector, std::uint32_t sectors, std::uint32_t flags) {
        store_le(at(kData), sector);
        store_le(at(kData) + 8, sectors);
        store_le(at(kData) + 12, flags);
        submit(type, 0, 16, false);
        return status_byte();
    }
};

TEST_F(EraseTest, WritesZeroes) {
    start(kVersion1Feature | kWriteZeroesFeature);
    EXPECT_EQ(erase(kWriteZeroes, 2, 20, 1), kOk); // may unmap
    for (std::size_t i = 2 * 512; i < 22 * 512; ++i)
        ASSERT_EQ(disk.content[i], std::byte{0});
    EXPECT_NE(disk.content[22 * 512], std::byte{0});
    EXPECT_EQ(erase(kWriteZeroes, 60, 5, 0), kIoError);
    EXPECT_EQ(erase(kWriteZeroes, 0, 0xffff'ffff, 0), kIoError);
    EXPECT_EQ(erase(kWriteZeroes, 0, 1, 2), kUnsupported);
}

TEST_F(EraseTest, Discards) {
    start(kVersion1Feature | kDiscardFeature);
    EXPECT_EQ(erase(kDiscard, 2, 3, 0), kOk); // a hint that this backend does not follow
    EXPECT_EQ(disk.discards, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1024, 1536}}));
    EXPECT_EQ(erase(kDiscard, 2, 3, 1), kUnsupported);
    submit(kDiscard, 0, 15, false);
    EXPECT_EQ(status_byte(), kIoError);
    submit(kDiscard, 0, 0, false);
    EXPECT_EQ(status_byte(), kIoError);
}

// Header and data in pieces of odd sizes, the status byte at the end of a data buffer.
TEST_F(VirtioBlockTest, DoesNotCareHowARequestIsSplit) {
    start(kVersion1Feature);
    put_header(kIn, 5);
    put(kDescriptors, 0, {kHeader, 7, kNext, 1});
    put(kDescriptors, 1, {kHeader + 7, 9, kNext, 2});
    put(kDescriptors, 2, {kData, 100, kNext | kWrite, 3});
    put(kDescriptors, 3, {kData + 100, 0, kNext | kWrite, 4});
    put(kDescriptors, 4, {kData + 100, 1000, kNext | kWrite, 5});
    put(kDescriptors, 5, {kData + 1100, 1536 - 1100 + 1, kWrite, 0});
    offer(0);
    notify();
    EXPECT_EQ(at(kData)[1536], std::byte{kOk});
    EXPECT_EQ(std::memcmp(at(kData), disk.content.data() + 5 * 512, 1536), 0);
    EXPECT_EQ(used_length(0), 1537u);

    std::memset(at(kData), 0x77, 1024);
    put_header(kOut, 1);
    put(kDescriptors, 0, {kHeader, 16, kNext, 1});
    put(kDescriptors, 1, {kData, 511, kNext, 2});
    put(kDescriptors, 2, {kData + 511, 513, kNext, 3});
    put(kDescriptors, 3, {kStatus, 1, kWrite, 0});
    offer(0);
    notify();
    EXPECT_EQ(status_byte(), kOk);
    EXPECT_EQ(disk.content[512], std::byte{0x77});
    EXPECT_EQ(disk.content[3 * 512 - 1], std::byte{0x77});
    EXPECT_NE(disk.content[3 * 512], std::byte{0x77});
}

struct CodeObserver final : CodeWriteObserver {
    void code_page_written(GuestPhysicalAddress address, std::uint64_t) override {
        pages.push_back(address.align_down(kPageSize).value());
    }
    std::vector<std::uint64_t> pages;
};

TEST_F(VirtioBlockTest, ReadingIntoTranslatedCodeIsNoted) {
    CodeObserver observer;
    ram.memory.set_observer(&observer);
    ram.memory.mark_code_page(GuestPhysicalAddress(kData), true);
    start(kVersion1Feature);
    submit(kIn, 0, 512, true);
    ASSERT_FALSE(observer.pages.empty());
    EXPECT_EQ(observer.pages.front(), kData);
}

} // namespace
} // namespace ashlar::jit::board
