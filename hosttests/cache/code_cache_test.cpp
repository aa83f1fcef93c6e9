#include "jit/code_cache.h"

#include <gtest/gtest.h>

#include <vector>

#include "jit/interpreter/handlers.h"

namespace ashlar::jit::test {

namespace {

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::size_t kBytes = 1 << 20;

class CodeCacheTest : public testing::Test {
protected:
    CodeCacheTest()
        : ram(8 << 20),
          marks(ram.size() >> kPageShift),
          memory(GuestPhysicalAddress(kRam), {ram.data(), ram.size()}, marks.data()),
          cache(CodeCache::create(memory, kBytes).value()) {}

    Block* insert(std::uint64_t address, std::size_t ops = 5, std::uint64_t second_page = 0) {
        const std::vector<interpreter::Op> code(ops, {interpreter::copy_handler(), 1, 2});
        bool first = false;
        Block* const block = cache->insert(key(address, second_page), code, 3, 12, first);
        first_in_page = first;
        return block;
    }
    static BlockKey key(std::uint64_t address, std::uint64_t second_page = 0) {
        return {GuestPhysicalAddress(address), GuestPhysicalAddress(second_page), false};
    }
    std::size_t free_forgotten() {
        std::size_t freed = 0;
        cache->free_forgotten([&](Block&) { ++freed; });
        return freed;
    }

    std::vector<std::byte> ram;
    std::vector<std::uint8_t> marks;
    GuestMemory memory;
    std::unique_ptr<CodeCache> cache;
    bool first_in_page = false;
};

TEST_F(CodeCacheTest, FindsWhatWasInserted) {
    Block* const block = insert(kRam + 0x100, 7);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(first_in_page);
    EXPECT_EQ(block->op_count, 7u);
    EXPECT_EQ(block->ops()[6].handler, interpreter::copy_handler());
    EXPECT_EQ(cache->find(key(kRam + 0x100)), block);
    EXPECT_EQ(cache->find(key(kRam + 0x102)), nullptr);
    EXPECT_EQ(cache->find(key(kRam + 0x100, kRam + 0x1000)), nullptr);
    ASSERT_NE(insert(kRam + 0x200), nullptr);
    EXPECT_FALSE(first_in_page);
    EXPECT_TRUE(memory.is_code_page(GuestPhysicalAddress(kRam)));
    EXPECT_FALSE(memory.is_code_page(GuestPhysicalAddress(kRam + 0x1000)));
}

TEST_F(CodeCacheTest, KnowsWhichLinesHoldCode) {
    insert(kRam + 0x100);
    EXPECT_TRUE(cache->holds_code(GuestPhysicalAddress(kRam + 0x108), 1));
    EXPECT_FALSE(cache->holds_code(GuestPhysicalAddress(kRam + 0x140), 8));
    EXPECT_FALSE(cache->holds_code(GuestPhysicalAddress(kRam + 0x1100), 8));
}

TEST_F(CodeCacheTest, ForgottenBlocksStayReadableUntilTheyAreFreed) {
    Block* const block = insert(kRam);
    insert(kRam + 0x1000);
    const std::size_t used = cache->used();
    EXPECT_EQ(cache->invalidate(GuestPhysicalAddress(kRam)), 1u);
    EXPECT_EQ(cache->find(key(kRam)), nullptr);
    EXPECT_FALSE(block->is_current);
    EXPECT_EQ(block->ops()[0].handler, interpreter::copy_handler());
    EXPECT_FALSE(memory.is_code_page(GuestPhysicalAddress(kRam)));
    EXPECT_EQ(free_forgotten(), 1u);
    EXPECT_LT(cache->used(), used / 2 + 100);
    EXPECT_EQ(free_forgotten(), 0u);
    EXPECT_EQ(cache->invalidate(GuestPhysicalAddress(kRam)), 0u);
}

TEST_F(CodeCacheTest, BlocksAcrossPagesGoWithEither) {
    insert(kRam + 0xffe, 5, kRam + 0x1000);
    EXPECT_TRUE(first_in_page);
    insert(kRam + 0x3ffe, 5, kRam + 0x8000);
    EXPECT_TRUE(cache->holds_code(GuestPhysicalAddress(kRam + 0x1000), 2));
    EXPECT_EQ(cache->invalidate(GuestPhysicalAddress(kRam + 0x1000)), 1u);
    EXPECT_EQ(cache->find(key(kRam + 0xffe, kRam + 0x1000)), nullptr);
    EXPECT_EQ(cache->invalidate(GuestPhysicalAddress(kRam + 0x3000)), 1u);
    EXPECT_EQ(free_forgotten(), 2u);
}

TEST_F(CodeCacheTest, RoomIsUsedAgain) {
    std::uint64_t page = 0;
    while (insert(kRam + page * kPageSize, 200) != nullptr)
        ++page;
    EXPECT_GT(page, 200u);
    EXPECT_FALSE(memory.is_code_page(GuestPhysicalAddress(kRam + page * kPageSize)));
    EXPECT_FALSE(cache->holds_page(GuestPhysicalAddress(kRam + page * kPageSize)));
    for (std::uint64_t i = 0; i < page; ++i)
        cache->invalidate(GuestPhysicalAddress(kRam + i * kPageSize));
    EXPECT_EQ(insert(kRam, 200), nullptr); // not yet
    EXPECT_EQ(free_forgotten(), page);
    EXPECT_EQ(cache->used(), 0u);
    for (std::uint64_t i = 0; i < page; ++i)
        EXPECT_NE(insert(kRam + i * kPageSize, 200), nullptr);
}

TEST_F(CodeCacheTest, PagesAreInOrderOfAge) {
    for (std::uint64_t page = 0; page < 3; ++page)
        insert(kRam + page * kPageSize);
    EXPECT_EQ(cache->pages().front().address.value(), kRam);
    cache->keep(cache->pages().front());
    EXPECT_EQ(cache->pages().front().address.value(), kRam + kPageSize);
    EXPECT_EQ(cache->pages().back().address.value(), kRam);
    std::size_t blocks = 0;
    cache->pages().front().for_each_block([&](Block&) { ++blocks; });
    EXPECT_EQ(blocks, 1u);
}

TEST_F(CodeCacheTest, FlushForgetsEverything) {
    insert(kRam);
    insert(kRam + 0x1000);
    cache->invalidate(GuestPhysicalAddress(kRam + 0x1000));
    cache->flush();
    EXPECT_EQ(cache->used(), 0u);
    EXPECT_TRUE(cache->pages().empty());
    EXPECT_EQ(cache->find(key(kRam)), nullptr);
    EXPECT_FALSE(memory.is_code_page(GuestPhysicalAddress(kRam)));
    EXPECT_EQ(free_forgotten(), 0u);
}

} // namespace

} // namespace ashlar::jit::test
