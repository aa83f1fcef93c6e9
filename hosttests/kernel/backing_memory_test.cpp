#include "kernel/backing_memory.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

class Backing : public KernelTest {
protected:
    MemoryAccount account{.name = "vm"};
    MemorySource source{frames, account};
};

Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

TEST_F(Backing, IsZeroHoldsWhatIsWrittenAndComesBackWhole) {
    const std::uint64_t before = free_frames();
    {
        BackingMemory memory;
        ASSERT_TRUE(memory.allocate(source, 3 * kMiB + 5).ok());
        EXPECT_EQ(memory.size(), 3 * kMiB + 5);
        // When: text is written across the border of the large block and the small ones
        const std::uint64_t at = 2 * kMiB - 3;
        ASSERT_TRUE(memory.write(at, bytes_of("border")).ok());
        std::byte back[8];
        ASSERT_TRUE(memory.read(at - 1, back).ok());
        // Then
        EXPECT_EQ(std::memcmp(back, "\0border\0", 8), 0);
        EXPECT_GE(account.frames, 3 * 256u + 1);
    }
    EXPECT_EQ(account.frames, 0u);
    EXPECT_EQ(free_frames(), before);
}

TEST_F(Backing, ReuseNeverShowsOldContents) {
    for (int round = 0; round < 3; ++round) {
        BackingMemory memory;
        ASSERT_TRUE(memory.allocate(source, 4 * kPageSize).ok());
        std::byte bytes[4 * kPageSize];
        ASSERT_TRUE(memory.read(0, bytes).ok());
        EXPECT_TRUE(
            std::all_of(std::begin(bytes), std::end(bytes), [](std::byte b) { return b == std::byte{0}; }));
        std::memset(bytes, 0xff, sizeof bytes);
        ASSERT_TRUE(memory.write(0, bytes).ok());
    }
}

TEST_F(Backing, RefusesWhatLiesOutside) {
    BackingMemory memory;
    ASSERT_TRUE(memory.allocate(source, 100).ok());
    std::byte two[2];
    EXPECT_EQ(memory.write(99, two).error(), Error::OutOfRange);
    EXPECT_EQ(memory.read(101, {two, 0}).error(), Error::OutOfRange);
    EXPECT_EQ(memory.read(~std::uint64_t{0}, two).error(), Error::OutOfRange);
    EXPECT_TRUE(memory.write(98, two).ok());
    EXPECT_TRUE(memory.write(100, {two, 0}).ok());
}

TEST_F(Backing, SizesThatCannotBeAreRefusedAndCostNothing) {
    const std::uint64_t before = free_frames();
    BackingMemory memory;
    EXPECT_EQ(memory.allocate(source, ~std::uint64_t{0}).error(), Error::OutOfRange);
    EXPECT_EQ(memory.allocate(source, 1 << 30).error(), Error::OutOfMemory);
    EXPECT_EQ(free_frames(), before);
    // Then: it can still be used
    EXPECT_TRUE(memory.allocate(source, kPageSize).ok());
}

TEST_F(Backing, AccountsLimitStopsIt) {
    account.limit_frames = 10;
    BackingMemory memory;
    EXPECT_EQ(memory.allocate(source, 11 * kPageSize).error(), Error::Denied);
    EXPECT_EQ(account.frames, 0u);
}

TEST_F(Backing, MapsByLargeLeavesAndAFailureLeavesNothingMapped) {
    AddressSpace& space = *arch::create_address_space(source).value();
    {
        BackingMemory memory;
        ASSERT_TRUE(memory.allocate(source, 4 * kMiB + kPageSize).ok());
        const GuestPhysicalAddress base(0x8000'0000), last = base + 4 * kMiB;
        ASSERT_TRUE(memory.map(space, base, {.write = true}).ok());
        EXPECT_EQ(space.translate(base).value().leaf_size, 2 * kMiB);
        EXPECT_EQ(space.translate(last).value().leaf_size, kPageSize);
        EXPECT_EQ(space.translate(last + kPageSize).error(), Error::NotFound);
        ASSERT_TRUE(space.unmap(base, 4 * kMiB).ok());
        // When: its last page is taken already
        EXPECT_EQ(memory.map(space, base, {.write = true}).error(), Error::Overlap);
        // Then
        EXPECT_EQ(space.translate(base).error(), Error::NotFound);
        EXPECT_EQ(space.translate(base + 2 * kMiB).error(), Error::NotFound);
        EXPECT_TRUE(space.translate(last).ok());
    }
    arch::destroy(&space);
    EXPECT_EQ(account.frames, 0u);
}

} // namespace
} // namespace ashlar::kernel
