#include "arch/x86_64/svm/nested_paging.h"

#include "hosttests/svm/fake_hardware.h"
#include "kernel/memory_use.h"

namespace ashlar::arch::svm {
namespace {

using kernel::MemoryType;
using kernel::Rights;

constexpr std::uint64_t k2M = 2 << 20;
constexpr Rights kData{.read = true, .write = true}, kReadOnly{.read = true};
constexpr GuestPhysicalAddress kFrom(0x8000'0000);
constexpr PhysicalAddress kTo(0x4000'0000);

class NestedPagingTest : public SvmTest {
protected:
    // The entry of the leaf that translates `address`, as a CPU's walk finds it.
    std::uint64_t& leaf(GuestPhysicalAddress address) {
        constexpr std::uint64_t kPresent = 1, kUser = 4, kLarge = 0x80, kFrame = 0x000f'ffff'ffff'f000;
        PhysicalAddress table = paging().root();
        for (unsigned shift = 39;; shift -= 9) {
            auto* entries = static_cast<std::uint64_t*>(physical_to_virtual(table));
            std::uint64_t& entry = entries[address.value() >> shift & 511];
            if ((entry & kPresent) == 0 || shift == 12 || (entry & kLarge) != 0)
                return entry;
            EXPECT_NE(entry & kUser, 0u) << "nested walks are user accesses";
            table = PhysicalAddress(entry & kFrame);
        }
    }
};

TEST_F(NestedPagingTest, MapsWithTheFormatOfNestedTables) {
    ASSERT_TRUE(space().map(kFrom, kTo, k2M, kData, MemoryType::WriteBack).ok());
    EXPECT_EQ(leaf(kFrom), 0x8000'0000'4000'0087); // NX, large, user, writable, present
    ASSERT_TRUE(space().map(kFrom + k2M, kTo, kPageSize, kReadOnly, MemoryType::WriteBack).ok());
    EXPECT_EQ(leaf(kFrom + k2M), 0x8000'0000'4000'0005);
    const Rights code{.read = true, .write = false, .execute = true};
    ASSERT_TRUE(space().map(kFrom + 2 * k2M, kTo, kPageSize, code, MemoryType::Uncached).ok());
    EXPECT_EQ(leaf(kFrom + 2 * k2M), 0x4000'001du);
}

TEST_F(NestedPagingTest, KeepsTheMemoryTypeWhenRightsChange) {
    ASSERT_TRUE(space().map(kFrom, kTo, k2M, kData, MemoryType::Uncached).ok());
    ASSERT_TRUE(space().protect(kFrom, kPageSize, kReadOnly).ok());
    EXPECT_EQ(leaf(kFrom), 0x8000'0000'4000'001d);
    EXPECT_EQ(leaf(kFrom + kPageSize), 0x8000'0000'4000'101f);
    EXPECT_EQ(space().translate(kFrom).value().rights, kReadOnly);
}

TEST_F(NestedPagingTest, CountsLeavesAndWhatIsUsedOfThem) {
    ASSERT_TRUE(space().map(kFrom, kTo, 2 * k2M, kData, MemoryType::WriteBack).ok());
    ASSERT_TRUE(space().protect(kFrom, kPageSize, kReadOnly).ok());
    leaf(kFrom + k2M) |= 0x20;
    leaf(kFrom) |= 0x60;
    const kernel::MemoryUse use = kernel::take_memory_use(space());
    EXPECT_EQ(use.leaves, (std::array<std::uint64_t, 3>{512, 1, 0}));
    EXPECT_EQ(use.used_bytes, k2M + kPageSize);
    EXPECT_EQ(kernel::take_memory_use(space()).used_bytes, 0u);
}

// What a CPU may have cached must go at the next entry; what was not there cannot be cached.
TEST_F(NestedPagingTest, TellsWhenCachedTranslationsAreGone) {
    const std::uint64_t before = paging().shootdown().generation();
    ASSERT_TRUE(space().map(kFrom, kTo, k2M, kData, MemoryType::WriteBack).ok());
    EXPECT_EQ(paging().shootdown().generation(), before);
    ASSERT_TRUE(space().protect(kFrom, kPageSize, kReadOnly).ok());
    const std::uint64_t after_protect = paging().shootdown().generation();
    EXPECT_NE(after_protect, before);
    ASSERT_TRUE(space().unmap(kFrom, k2M).ok());
    EXPECT_NE(paging().shootdown().generation(), after_protect);
    EXPECT_EQ(leaf(kFrom), 0u);
}

TEST_F(NestedPagingTest, ABatchIsOneInvalidation) {
    ASSERT_TRUE(space().map(kFrom, kTo, k2M, kData, MemoryType::WriteBack).ok());
    const std::uint64_t before = paging().shootdown().generation();
    {
        const kernel::InvalidationBatch batch(space());
        for (std::uint64_t page = 0; page < 8; ++page)
            ASSERT_TRUE(space().unmap(kFrom + 2 * page * kPageSize, kPageSize).ok());
        EXPECT_EQ(paging().shootdown().generation(), before);
    }
    EXPECT_EQ(paging().shootdown().generation(), before + 1);
}

TEST_F(NestedPagingTest, TellsWhatTheVmHasUsed) {
    struct Leaves final : kernel::LeafVisitor {
        void visit(GuestPhysicalAddress from, std::uint64_t size) override {
            list.emplace_back(from.value(), size);
        }
        std::vector<std::pair<std::uint64_t, std::uint64_t>> list;
    };
    // Given: as a CPU notes it
    constexpr std::uint64_t kAccessed = 0x20, kDirty = 0x40;
    ASSERT_TRUE(space().map(kFrom, kTo, k2M, kData, MemoryType::WriteBack).ok());
    ASSERT_TRUE(space().split(kFrom, k2M, kPageSize).ok());
    leaf(kFrom + kPageSize) |= kAccessed;
    leaf(kFrom + 2 * kPageSize) |= kAccessed | kDirty;
    EXPECT_TRUE(space().translate(kFrom + kPageSize).value().accessed);
    EXPECT_FALSE(space().translate(kFrom + kPageSize).value().dirty);
    // When, then
    Leaves used, written;
    ASSERT_TRUE(space().take_dirty(kFrom, k2M, written).ok());
    ASSERT_TRUE(space().take_accessed(kFrom, k2M, used).ok());
    const std::uint64_t second = kFrom.value() + kPageSize, third = second + kPageSize;
    EXPECT_EQ(written.list, (decltype(written.list){{third, kPageSize}}));
    EXPECT_EQ(used.list, (decltype(used.list){{second, kPageSize}, {third, kPageSize}}));
    // When: nobody asks any more
    ASSERT_TRUE(space().merge(kFrom, k2M).ok());
    EXPECT_EQ(space().translate(kFrom).value().leaf_size, k2M);
    EXPECT_EQ(space().split(kFrom, k2M, 3 * kPageSize).error(), Error::InvalidArgument);
}

TEST_F(NestedPagingTest, RefusesWhatTheFormatCannotSay) {
    EXPECT_EQ(space().map(kFrom, kTo, k2M, {.read = false, .write = true}, MemoryType::WriteBack).error(),
              Error::Unsupported);
    const GuestPhysicalAddress beyond(std::uint64_t{1} << 48);
    EXPECT_EQ(space().map(beyond, kTo, kPageSize, kData, MemoryType::WriteBack).error(), Error::OutOfRange);
    EXPECT_FALSE(space().translate(beyond).ok());
}

TEST_F(NestedPagingTest, LeavesNothingBehindWhenMemoryRunsOut) {
    frames().limit = held() + 1; // one table of the three that this takes
    EXPECT_EQ(space().map(kFrom, kTo, kPageSize, kData, MemoryType::WriteBack).error(), Error::OutOfMemory);
    EXPECT_FALSE(space().translate(kFrom).ok());
    frames().limit = held();
    EXPECT_FALSE(create_address_space(memory()).ok());
}

} // namespace
} // namespace ashlar::arch::svm
