#include "jit/guest_memory.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ashlar::jit {
namespace {

constexpr std::uint64_t kBase = 0x8000'0000, kSize = 4 * kPageSize;

struct RecordingObserver final : CodeWriteObserver {
    void code_page_written(GuestPhysicalAddress address, std::uint64_t length) override {
        writes.emplace_back(address.value(), length);
        before.push_back(*memory->host(address));
    }
    GuestMemory* memory = nullptr;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> writes;
    std::vector<std::byte> before;
};

class GuestMemoryTest : public testing::Test {
protected:
    GuestMemoryTest() {
        for (std::size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<std::byte>(i * 31 + (i >> 8));
        observer.memory = &memory;
        memory.set_observer(&observer);
    }
    std::uint64_t little_endian(std::uint64_t offset, unsigned width) const {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i)
            value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i);
        return value;
    }
    template <class T>
    void loads_and_stores() {
        for (std::uint64_t offset = kPageSize - 16; offset <= kPageSize + 16; ++offset) {
            const GuestPhysicalAddress at(kBase + offset);
            EXPECT_EQ(memory.load<T>(at).value(), little_endian(offset, sizeof(T))) << offset;
            const auto value = static_cast<T>(0x0123'4567'89ab'cdef * (offset + 1));
            ASSERT_TRUE(memory.store<T>(at, value).ok());
            EXPECT_EQ(little_endian(offset, sizeof(T)), value) << offset;
        }
    }
    template <class T>
    void ends_at_the_end() {
        const GuestPhysicalAddress last(kBase + kSize - sizeof(T));
        EXPECT_TRUE(memory.load<T>(last).ok());
        EXPECT_TRUE(memory.store<T>(last, T{1}).ok());
        const auto contents = bytes;
        for (const std::uint64_t address :
             {last.value() + 1, kBase + kSize - 1 + (sizeof(T) == 1), kBase + kSize, kBase - 1,
              kBase - sizeof(T), std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0} - sizeof(T) + 1}) {
            EXPECT_EQ(memory.load<T>(GuestPhysicalAddress(address)).error(), Error::OutOfRange);
            EXPECT_EQ(memory.store<T>(GuestPhysicalAddress(address), T{1}).error(), Error::OutOfRange);
        }
        EXPECT_EQ(bytes, contents);
    }

    std::vector<std::byte> bytes = std::vector<std::byte>(kSize);
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kSize / kPageSize);
    GuestMemory memory{GuestPhysicalAddress(kBase), bytes, code_pages.data()};
    RecordingObserver observer;
};

TEST_F(GuestMemoryTest, LoadsAndStoresEveryWidthAtEveryAlignmentAcrossPages) {
    loads_and_stores<std::uint8_t>();
    loads_and_stores<std::uint16_t>();
    loads_and_stores<std::uint32_t>();
    loads_and_stores<std::uint64_t>();
}

TEST_F(GuestMemoryTest, RefusesWhatReachesOutOfIt) {
    ends_at_the_end<std::uint8_t>();
    ends_at_the_end<std::uint16_t>();
    ends_at_the_end<std::uint32_t>();
    ends_at_the_end<std::uint64_t>();
}

// Against arithmetic that cannot overflow.
TEST_F(GuestMemoryTest, KnowsWhatItContainsWhateverIsAsked) {
    const std::uint64_t corners[] = {0,
                                     1,
                                     8,
                                     kPageSize,
                                     kSize - 1,
                                     kSize,
                                     kSize + 1,
                                     kBase - 1,
                                     kBase,
                                     kBase + 1,
                                     kBase + kSize - 1,
                                     kBase + kSize,
                                     kBase + kSize + 1,
                                     ~kBase,
                                     ~kBase + 1,
                                     std::uint64_t{1} << 63,
                                     ~std::uint64_t{0} - kSize,
                                     ~std::uint64_t{0} - 1,
                                     ~std::uint64_t{0}};
    std::mt19937_64 random(1);
    std::vector<std::uint64_t> values(std::begin(corners), std::end(corners));
    for (int i = 0; i < 200; ++i)
        values.push_back(random() >> random() % 64);
    for (const std::uint64_t address : values)
        for (const std::uint64_t length : values) {
            __extension__ using Wide = unsigned __int128;
            const bool inside = address >= kBase && Wide{address} + length <= Wide{kBase} + kSize;
            ASSERT_EQ(memory.contains(GuestPhysicalAddress(address), length), inside)
                << std::hex << address << ' ' << length;
            ASSERT_EQ(memory.view(GuestPhysicalAddress(address), length).ok(), inside);
        }
}

TEST_F(GuestMemoryTest, BulkCopiesAreWholeOrNotAtAll) {
    std::mt19937 random(2);
    for (int i = 0; i < 5000; ++i) {
        const std::uint64_t offset = random() % (kSize + 100), size = random() % (kSize + 100);
        const GuestPhysicalAddress at(kBase + offset);
        const bool inside = offset + size <= kSize;
        std::vector<std::byte> buffer(size, std::byte{0xee}), untouched = buffer;
        ASSERT_EQ(memory.read(at, buffer).ok(), inside);
        if (inside)
            ASSERT_TRUE(std::equal(buffer.begin(), buffer.end(), bytes.begin() + static_cast<long>(offset)));
        else
            ASSERT_EQ(buffer, untouched);

        for (std::byte& byte : buffer)
            byte = static_cast<std::byte>(random());
        std::vector<std::byte> expected = bytes;
        if (inside)
            std::copy(buffer.begin(), buffer.end(), expected.begin() + static_cast<long>(offset));
        ASSERT_EQ(memory.write(at, buffer).ok(), inside);
        ASSERT_EQ(bytes, expected);
    }
    EXPECT_TRUE(memory.read(GuestPhysicalAddress(kBase + kSize), {}).ok()); // nothing, at the end
    EXPECT_FALSE(memory.read(GuestPhysicalAddress(kBase + kSize + 1), {}).ok());
}

TEST_F(GuestMemoryTest, TellsOfWritesToPagesWithCodeBeforeTheyHappen) {
    // Given: code in the second and the third page
    memory.mark_code_page(GuestPhysicalAddress(kBase + kPageSize), true);
    memory.mark_code_page(GuestPhysicalAddress(kBase + 2 * kPageSize), true);
    const std::byte before = bytes[kPageSize];
    // When: all four are written in part
    const std::vector<std::byte> buffer(2 * kPageSize + 20, std::byte{0x77});
    ASSERT_TRUE(memory.write(GuestPhysicalAddress(kBase + kPageSize - 10), buffer).ok());
    using Writes = decltype(observer.writes);
    EXPECT_EQ(observer.writes, (Writes{{kBase + kPageSize, kPageSize}, {kBase + 2 * kPageSize, kPageSize}}));
    EXPECT_EQ(observer.before[0], before);
    // When: a store crosses from one to the other, and into one alone
    observer.writes.clear();
    ASSERT_TRUE(memory.store(GuestPhysicalAddress(kBase + 2 * kPageSize - 3), std::uint64_t{1}).ok());
    ASSERT_TRUE(memory.store(GuestPhysicalAddress(kBase + kPageSize - 2), std::uint32_t{1}).ok());
    EXPECT_EQ(observer.writes,
              (Writes{{kBase + 2 * kPageSize - 3, 3}, {kBase + 2 * kPageSize, 5}, {kBase + kPageSize, 2}}));
    // When: nothing is written, or nobody listens
    observer.writes.clear();
    memory.note_write(GuestPhysicalAddress(kBase + kPageSize + 5), 0);
    memory.note_write(GuestPhysicalAddress(kBase + kPageSize), 0);
    memory.set_observer(nullptr);
    ASSERT_TRUE(memory.store(GuestPhysicalAddress(kBase + kPageSize), std::uint8_t{1}).ok());
    EXPECT_TRUE(observer.writes.empty());
}

} // namespace
} // namespace ashlar::jit
