// Requests that take their time: what the guest sees, and what it may do meanwhile.
#include "jit/board/virtio_block.h"

#include <gtest/gtest.h>

#include <random>

#include "virtio_driver.h"

namespace ashlar::jit::board {
namespace {

using test::kIndirect;
using test::kNext;
using test::kWrite;
using Kind = BlockRequest::Kind;

constexpr std::uint32_t kIn = 0, kOut = 1, kFlush = 4, kDiscard = 11, kWriteZeroes = 13;
constexpr std::uint64_t kFlushFeature = 1u << 9, kDiscardFeature = 1u << 13, kWriteZeroesFeature = 1u << 14;

class InFlightTest : public test::VirtioTestOn<test::SlowDisk> {
protected:
    // Request `number` has its own header, data and status, in three descriptors from 3 * number on.
    std::uint64_t header_of(unsigned number) const { return kHeader + 32 * number; }
    std::uint64_t data_of(unsigned number) const { return kData + 4096 * number; }
    std::uint64_t status_of(unsigned number) const { return kStatus + number; }
    void prepare_request(unsigned number, std::uint32_t type, std::uint64_t sector,
                         std::uint32_t length = 512) {
        const bool device_writes = type == kIn;
        store_le(at(header_of(number)), type);
        store_le(at(header_of(number)) + 8, sector);
        store_le(at(status_of(number)), std::uint8_t{0xee});
        const auto first = static_cast<std::uint16_t>(3 * number);
        put(kDescriptors, first, {header_of(number), 16, kNext, static_cast<std::uint16_t>(first + 1)});
        put(kDescriptors, first + 1u,
            {data_of(number), length, static_cast<std::uint16_t>(device_writes ? kNext | kWrite : kNext),
             static_cast<std::uint16_t>(first + 2)});
        put(kDescriptors, first + 2u, {status_of(number), 1, kWrite, 0});
    }
    void ask(unsigned number, std::uint32_t type, std::uint64_t sector, std::uint32_t length = 512) {
        prepare_request(number, type, sector, length);
        offer(static_cast<std::uint16_t>(3 * number));
        notify();
    }
    std::uint8_t status(unsigned number) { return load_le<std::uint8_t>(at(status_of(number))); }
    std::uint32_t used_head(unsigned entry) { return load_le<std::uint32_t>(at(kDevice + 4 + 8 * entry)); }
    std::byte content(std::uint64_t sector) const { return disk.disk.content[sector * 512]; }
};

TEST_F(InFlightTest, TheGuestGoesOnAndIsInterruptedLater) {
    start(kVersion1Feature);
    ask(0, kIn, 5);
    EXPECT_EQ(status(0), 0xee);
    EXPECT_EQ(used_index(), 0u);
    EXPECT_FALSE(irq());
    EXPECT_TRUE(slot.busy());
    EXPECT_GE(disk.submitted, 1u);
    slot.poll();
    EXPECT_EQ(used_index(), 0u);

    disk.complete();
    EXPECT_FALSE(irq());
    slot.poll();
    EXPECT_EQ(status(0), 0u);
    EXPECT_EQ(used_index(), 1u);
    EXPECT_EQ(used_length(0), 513u);
    EXPECT_EQ(*at(data_of(0)), content(5));
    EXPECT_TRUE(irq());
    EXPECT_FALSE(slot.busy());
    EXPECT_EQ(block.statistics().read_bytes, 512u);
    EXPECT_EQ(block.statistics().most_in_flight, 1u);
}

TEST_F(InFlightTest, RequestsOverlapAndReturnAsTheyComplete) {
    start(kVersion1Feature, 16);
    for (unsigned i = 0; i < 3; ++i)
        ask(i, kIn, i);
    ASSERT_EQ(disk.waiting.size(), 3u);
    disk.complete(2);
    disk.complete(0, true);
    slot.poll();
    ASSERT_EQ(used_index(), 2u);
    EXPECT_EQ(used_head(0), 6u);
    EXPECT_EQ(used_head(1), 0u);
    EXPECT_EQ(status(2), 0u);
    EXPECT_EQ(status(0), 1u); // failed
    EXPECT_EQ(status(1), 0xee);
    disk.complete();
    slot.poll();
    EXPECT_EQ(used_head(2), 3u);
    EXPECT_EQ(block.statistics().most_in_flight, 3u);
    EXPECT_EQ(block.statistics().failed, 1u);
}

TEST_F(InFlightTest, TheRestWaitsInTheRingWhenThereIsNoRoom) {
    start(kVersion1Feature | kEventIndex, 32);
    for (unsigned i = 0; i < 6; ++i)
        prepare_request(i, kIn, i);
    for (unsigned i = 0; i < 6; ++i)
        offer(static_cast<std::uint16_t>(3 * i));
    notify();
    EXPECT_EQ(disk.waiting.size(), 4u);
    disk.complete();
    disk.complete();
    slot.poll(); // takes the others without being told again
    EXPECT_EQ(disk.waiting.size(), 4u);
    while (!disk.waiting.empty())
        disk.complete();
    slot.poll();
    EXPECT_EQ(used_index(), 6u);
    // The last look at the ring asks for a notification.
    EXPECT_EQ(load_le<std::uint16_t>(at(kDevice + 4 + 8 * 32)), 6u);
}

TEST_F(InFlightTest, WhatTheGuestDoesToTheRingMeanwhileChangesNothing) {
    start(kVersion1Feature);
    ask(0, kIn, 7);
    std::memset(at(kDescriptors), 0xff, 128);
    std::memset(at(header_of(0)), 0xff, 16);
    disk.complete();
    slot.poll();
    EXPECT_EQ(*at(data_of(0)), content(7));
    EXPECT_EQ(status(0), 0u);
    EXPECT_EQ(used_head(0), 0u);
    EXPECT_FALSE(needs_reset());
}

TEST_F(InFlightTest, AHeadThatWasNotReturnedCannotBeOfferedAgain) {
    start(kVersion1Feature);
    ask(0, kIn, 0);
    offer(0);
    notify();
    EXPECT_TRUE(needs_reset());
    EXPECT_EQ(disk.abandoned, 1u);
    EXPECT_FALSE(slot.busy()); // nobody waits for what will not be told
    slot.poll();
    EXPECT_EQ(used_index(), 0u);
}

TEST_F(InFlightTest, NoMoreThanTheQueueHoldsIsOutstanding) {
    start(kVersion1Feature, 4);
    put(kDescriptors, 0, {kHeader, 16, kNext, 1});
    put(kDescriptors, 1, {kStatus, 1, kWrite, 0});
    store_le(at(kHeader), kFlush);
    offer(0);
    notify();
    ASSERT_EQ(disk.waiting.size(), 1u);
    for (unsigned i = 0; i < 4; ++i)
        offer(1);
    notify();
    EXPECT_TRUE(needs_reset()); // five in a queue of four
}

TEST_F(InFlightTest, AResetWaitsAndNothingIsToldAfterwards) {
    start(kVersion1Feature);
    ask(0, kIn, 0);
    ask(1, kOut, 1);
    disk.complete();
    write(0x70, 0);
    EXPECT_EQ(disk.abandoned, 1u);
    EXPECT_FALSE(slot.busy());
    slot.poll();
    EXPECT_EQ(used_index(), 0u);
    EXPECT_EQ(status(1), 0xee);
    EXPECT_FALSE(irq());

    start(kVersion1Feature, 16); // all places for requests are free again
    for (unsigned i = 0; i < 4; ++i)
        ask(i, kIn, i);
    EXPECT_EQ(disk.waiting.size(), 4u);
}

TEST_F(InFlightTest, StoppingTheQueueWaitsToo) {
    start(kVersion1Feature);
    ask(0, kIn, 0);
    write(0x44, 0);
    EXPECT_EQ(disk.abandoned, 1u);
    EXPECT_FALSE(slot.busy());
}

TEST_F(InFlightTest, WritesAreDurableWithoutFlush) {
    start(kVersion1Feature);
    ask(0, kOut, 3);
    ASSERT_EQ(disk.waiting.size(), 1u);
    disk.complete();
    slot.poll();
    EXPECT_EQ(used_index(), 0u);
    ASSERT_EQ(disk.waiting.size(), 1u);
    EXPECT_EQ(disk.waiting[0].request.kind, Kind::Flush);
    const unsigned submitted = disk.submitted;
    disk.complete();
    slot.poll();
    EXPECT_GE(submitted, 2u); // the flush was sent off
    EXPECT_EQ(used_index(), 1u);
    EXPECT_EQ(status(0), 0u);
}

TEST_F(InFlightTest, RangesAreErasedOneAfterTheOther) {
    start(kVersion1Feature | kDiscardFeature | kFlushFeature);
    for (unsigned i = 0; i < 2; ++i) {
        store_le(at(data_of(0)) + 16 * i, std::uint64_t{10 * i});
        store_le(at(data_of(0)) + 16 * i + 8, std::uint32_t{2});
        store_le(at(data_of(0)) + 16 * i + 12, std::uint32_t{0});
    }
    ask(0, kDiscard, 0, 32);
    ASSERT_EQ(disk.waiting.size(), 1u);
    EXPECT_EQ(disk.waiting[0].request.offset, 0u);
    std::memset(at(data_of(0)), 0xff, 32); // too late
    disk.complete();
    slot.poll();
    ASSERT_EQ(disk.waiting.size(), 1u);
    EXPECT_EQ(disk.waiting[0].request.offset, 5120u);
    EXPECT_EQ(disk.waiting[0].request.length, 1024u);
    disk.complete();
    slot.poll();
    EXPECT_EQ(status(0), 0u);
}

TEST_F(InFlightTest, ZeroesAreWrittenWhereTheDiskHasNoWayOfItsOwn) {
    disk.refuses = Kind::WriteZeroes;
    start(kVersion1Feature | kWriteZeroesFeature | kFlushFeature);
    store_le(at(data_of(0)), std::uint64_t{1});
    store_le(at(data_of(0)) + 8, std::uint32_t{20});
    store_le(at(data_of(0)) + 12, std::uint32_t{0});
    ask(0, kWriteZeroes, 0, 16);
    ASSERT_EQ(disk.waiting.size(), 1u);
    EXPECT_EQ(disk.waiting[0].request.kind, Kind::Write);
    disk.complete();
    slot.poll();
    EXPECT_EQ(status(0), 0u);
    EXPECT_EQ(content(1), std::byte{0});
    EXPECT_EQ(content(20), std::byte{0});
    EXPECT_NE(disk.disk.content[512 - 1], std::byte{0});
    EXPECT_NE(content(21), std::byte{0});
}

struct CodeObserver final : CodeWriteObserver {
    void code_page_written(GuestPhysicalAddress, std::uint64_t) override { ++calls; }
    unsigned calls = 0;
};

TEST_F(InFlightTest, CodeThatIsTranslatedMeanwhileIsNotedToo) {
    CodeObserver observer;
    ram.memory.set_observer(&observer);
    start(kVersion1Feature);
    ask(0, kIn, 0);
    EXPECT_EQ(observer.calls, 0u);
    ram.memory.mark_code_page(GuestPhysicalAddress(data_of(0)), true);
    disk.complete();
    slot.poll();
    EXPECT_EQ(observer.calls, 1u);
}

TEST_F(InFlightTest, SurvivesRandomRings) {
    std::mt19937 random(11);
    const auto below = [&random](std::uint32_t limit) {
        return static_cast<std::uint32_t>(random()) % limit;
    };
    const std::uint64_t bases[] = {kHeader, kData, kTable, kDescriptors, kDevice, kRam + (1 << 20) - 600};
    unsigned completed = 0;
    for (int round = 0; round < 3000; ++round) {
        start(kVersion1Feature | kIndirectFeature | (round % 2 != 0 ? kEventIndex : 0) |
              (round % 3 != 0 ? kFlushFeature | kDiscardFeature | kWriteZeroesFeature : 0));
        for (unsigned step = 0; step < 12; ++step) {
            // Mostly right: a header, then what the device writes; one field in sixteen is anything.
            const auto or_any = [&](std::uint64_t right, std::uint64_t any) {
                return below(16) == 0 ? any : right;
            };
            put_header(below(4) == 0 ? below(16) : kIn, below(70));
            for (const std::uint64_t table : {kDescriptors, kTable})
                for (unsigned i = 0; i < 8; i += 2) {
                    const std::uint64_t base = bases[below(6)] + below(64);
                    put(table, i,
                        {or_any(kHeader, base), static_cast<std::uint32_t>(or_any(16, below(40))),
                         static_cast<std::uint16_t>(or_any(kNext, below(8))),
                         static_cast<std::uint16_t>(or_any(i + 1, below(9)))});
                    put(table, i + 1,
                        {or_any(kData, base),
                         static_cast<std::uint32_t>(or_any(512 * below(4) + 1, below(1100))),
                         static_cast<std::uint16_t>(or_any(kWrite, below(8))),
                         static_cast<std::uint16_t>(below(9))});
                }
            offer(static_cast<std::uint16_t>(or_any(2 * below(4), below(9))));
            if (below(40) == 0)
                next_available = static_cast<std::uint16_t>(next_available + below(20));
            notify();
            for (const auto& one : disk.waiting)
                for (const MutableBytes buffer : one.buffers)
                    ASSERT_TRUE(one.request.kind == Kind::Write ||
                                (buffer.data() >= ram.bytes.data() &&
                                 buffer.data() + buffer.size() <= ram.bytes.data() + ram.bytes.size()));
            while (!disk.waiting.empty() && below(2) == 0) {
                disk.complete(below(static_cast<std::uint32_t>(disk.waiting.size())), below(5) == 0);
                ++completed;
            }
            if (below(3) == 0)
                slot.poll();
            ASSERT_LE(disk.waiting.size(), disk.room);
            ASSERT_FALSE(needs_reset() && slot.busy());
        }
        write(0x70, 0);
        ASSERT_FALSE(slot.busy());
        std::memset(at(kDriver), 0, 0x100);
        std::memset(at(kDevice), 0, 0x100);
    }
    EXPECT_GT(completed, 1000u);
}

// ------------------------------------------------------------------------------------------ 4096-byte blocks

class LargeBlockTest : public test::VirtioTest {
protected:
    LargeBlockTest() {
        disk.shape = {4096, 2, 1, 16, 4};
        large.emplace(disk);
        EXPECT_TRUE(large->prepare().ok());
    }
    std::uint64_t field(std::size_t offset, std::size_t size) const {
        std::uint64_t value = 0;
        std::memcpy(&value, large->configuration().data() + offset, size);
        return value;
    }
    std::uint8_t transfer(std::uint64_t sector, std::uint32_t length) {
        large->start(kVersion1Feature | kFlushFeature);
        put_header(kIn, sector);
        const test::RawDescriptor data{kData, length, kNext | kWrite, 2};
        const Segment readable{GuestPhysicalAddress(kHeader), 16};
        const Segment writable[] = {{GuestPhysicalAddress(data.address), data.length},
                                    {GuestPhysicalAddress(kStatus), 1}};
        struct Ignore final : UsedBuffers {
            void used(std::uint16_t, std::uint32_t) override {}
        } ignore;
        EXPECT_TRUE(large->begin(ram.memory, {0, {&readable, 1}, writable}, ignore).ok());
        return status_byte();
    }
    std::optional<VirtioBlock> large;
};

TEST_F(LargeBlockTest, AreTold) {
    EXPECT_EQ(field(0, 8), 64u);    // the capacity stays in units of 512
    EXPECT_EQ(field(20, 4), 4096u); // blk_size
    EXPECT_EQ(field(24, 1), 2u);    // four to a physical block
    EXPECT_EQ(field(28, 4), 16u);   // opt_io_size
    EXPECT_EQ(field(44, 4), 32u);   // discard_sector_alignment
}

TEST_F(LargeBlockTest, AreTransferredWhole) {
    EXPECT_EQ(transfer(8, 4096), 0u);
    EXPECT_EQ(std::memcmp(at(kData), disk.content.data() + 8 * 512, 4096), 0);
    EXPECT_EQ(transfer(1, 4096), 1u);
    EXPECT_EQ(transfer(8, 512), 1u);
    EXPECT_EQ(transfer(8, 4096 + 512), 1u);
}

} // namespace
} // namespace ashlar::jit::board
