#include "jit/guest_segments.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ashlar::jit {
namespace {

constexpr std::uint64_t kBase = 0x8000'0000, kSize = 8 * kPageSize;

class SegmentsTest : public testing::Test {
protected:
    SegmentsTest() {
        for (std::size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<std::byte>(i * 13 + (i >> 7));
    }
    static Segment segment(std::uint64_t offset, std::uint32_t length) {
        return {GuestPhysicalAddress(kBase + offset), length};
    }

    std::vector<std::byte> bytes = std::vector<std::byte>(kSize);
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kSize / kPageSize);
    GuestMemory memory{GuestPhysicalAddress(kBase), bytes, code_pages.data()};
};

TEST_F(SegmentsTest, RunsEndWhereSegmentsDo) {
    const Segment list[] = {segment(0, 0), segment(100, 10), segment(50, 0), segment(200, 5)};
    SegmentCursor cursor(list);
    EXPECT_EQ(cursor.remaining(), 15u);
    Segment run = cursor.next(4);
    EXPECT_EQ(run.address.value(), kBase + 100);
    EXPECT_EQ(run.length, 4u);
    run = cursor.next(100);
    EXPECT_EQ(run.address.value(), kBase + 104);
    EXPECT_EQ(run.length, 6u);
    EXPECT_EQ(cursor.next(0).length, 0u);
    cursor.skip(2);
    EXPECT_EQ(cursor.remaining(), 3u);
    EXPECT_EQ(cursor.next(100).address.value(), kBase + 202);
    EXPECT_EQ(cursor.next(1).length, 0u);
    cursor.skip(~std::uint64_t{0});
    EXPECT_EQ(cursor.remaining(), 0u);
    EXPECT_EQ(SegmentCursor({}).remaining(), 0u);
}

TEST_F(SegmentsTest, CopiesAreWholeOrNotAtAll) {
    const Segment list[] = {segment(0, 3), segment(10, 4)};
    SegmentCursor cursor(list);
    std::vector<std::byte> eight(8, std::byte{0xee}), untouched = eight;
    const std::vector<std::byte> before = bytes;
    EXPECT_EQ(cursor.read(memory, eight).error(), Error::OutOfRange);
    EXPECT_EQ(cursor.write(memory, eight).error(), Error::OutOfRange);
    EXPECT_EQ(eight, untouched);
    EXPECT_EQ(bytes, before);
    EXPECT_EQ(cursor.remaining(), 7u);
    EXPECT_TRUE(cursor.read(memory, MutableBytes(eight).first(7)).ok());
    EXPECT_EQ(eight[3], bytes[10]);
    EXPECT_TRUE(cursor.read(memory, {}).ok());
    EXPECT_FALSE(cursor.read(memory, MutableBytes(eight).first(1)).ok());
}

// Segments of any size, overlapping ones too, against the bytes one after the other.
TEST_F(SegmentsTest, GatherAndScatterLikeAFlatBuffer) {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        std::vector<Segment> list;
        std::vector<std::size_t> places; // of each byte, in memory
        for (std::size_t i = random() % 9; i != 0; --i) {
            const auto length =
                static_cast<std::uint32_t>(random() % 3 == 0 ? random() % 9000 : random() % 30);
            const std::uint64_t offset = random() % (kSize - length + 1);
            list.push_back(segment(offset, length));
            for (std::uint32_t at = 0; at < length; ++at)
                places.push_back(offset + at);
        }
        SegmentCursor cursor(list);
        std::size_t position = 0;
        while (position != places.size()) {
            ASSERT_EQ(cursor.remaining(), places.size() - position);
            const std::size_t size = std::min<std::size_t>(random() % 5000, places.size() - position);
            std::vector<std::byte> buffer(size);
            switch (random() % 3) {
            case 0: cursor.skip(size); break;
            case 1:
                ASSERT_TRUE(cursor.read(memory, buffer).ok());
                for (std::size_t i = 0; i < size; ++i)
                    ASSERT_EQ(buffer[i], bytes[places[position + i]]);
                break;
            default:
                std::vector<std::byte> expected = bytes;
                for (std::size_t i = 0; i < size; ++i) {
                    buffer[i] = static_cast<std::byte>(random());
                    expected[places[position + i]] = buffer[i];
                }
                ASSERT_TRUE(cursor.write(memory, buffer).ok());
                ASSERT_EQ(bytes, expected);
            }
            position += size;
        }
    }
}

} // namespace
} // namespace ashlar::jit
