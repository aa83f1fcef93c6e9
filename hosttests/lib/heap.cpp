#include "lib/heap.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

// Page-aligned memory filled with rubbish, as the heap may find it.
class Memory {
public:
    explicit Memory(std::size_t pages)
        : bytes_(static_cast<std::byte*>(std::aligned_alloc(kPageSize, pages * kPageSize)), std::free),
          size_(pages * kPageSize) {
        std::memset(bytes_.get(), 0xa5, size_);
    }
    MutableBytes bytes() { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<std::byte, void (*)(void*)> bytes_;
    std::size_t size_;
};

bool is_aligned(const void* block, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

TEST(PagePool, MergesFreedRunsWithBothNeighbours) {
    Memory memory(64);
    PagePool pool;
    pool.initialize(memory.bytes());
    const std::size_t all = pool.free_pages();
    const auto a = pool.allocate(10), b = pool.allocate(10), c = pool.allocate(10);
    ASSERT_TRUE(a && b && c);
    EXPECT_EQ(pool.free_pages(), all - 30);
    pool.free(*a);
    pool.free(*c);
    EXPECT_FALSE(pool.allocate(all - 9));
    pool.free(*b);
    EXPECT_TRUE(pool.allocate(all));
    EXPECT_EQ(pool.free_pages(), 0u);
    EXPECT_FALSE(pool.allocate(1));
}

TEST(PagePool, AlignsAndGivesTheGapsBack) {
    Memory memory(128);
    PagePool pool;
    pool.initialize(memory.bytes());
    const std::size_t all = pool.free_pages();
    const auto run = pool.allocate(3, 32);
    ASSERT_TRUE(run);
    EXPECT_TRUE(is_aligned(pool.address(*run), 32 * kPageSize));
    EXPECT_EQ(pool.free_pages(), all - 3);
    pool.free(*run);
    EXPECT_TRUE(pool.allocate(all));
}

TEST(PagePool, ATinyRangeIsAnEmptyPool) {
    Memory memory(1);
    PagePool pool;
    pool.initialize(memory.bytes());
    EXPECT_EQ(pool.page_count(), 0u);
    EXPECT_FALSE(pool.allocate(1));
}

TEST(Heap, EverySizeIsAlignedAndDistinct) {
    Memory memory(4096);
    Heap heap;
    heap.initialize(memory.bytes());
    std::vector<std::pair<unsigned char*, std::size_t>> blocks;
    for (std::size_t size = 0; size <= 5000; size += size < 300 ? 1 : 97)
        for (const std::size_t alignment : {16u, 64u, 256u, 4096u}) {
            auto* const block = static_cast<unsigned char*>(heap.allocate(size, alignment));
            ASSERT_NE(block, nullptr);
            ASSERT_TRUE(is_aligned(block, alignment)) << size << " " << alignment;
            std::memset(block, static_cast<int>(blocks.size() & 0xff), size);
            blocks.emplace_back(block, size);
        }
    for (std::size_t i = 0; i < blocks.size(); ++i)
        for (std::size_t at = 0; at < blocks[i].second; ++at)
            ASSERT_EQ(blocks[i].first[at], i & 0xff);
    for (const auto& [block, size] : blocks)
        heap.free(block);
    EXPECT_EQ(heap.statistics().live_blocks, 0u);
}

TEST(Heap, ExhaustionIsNullAndRecovers) {
    Memory memory(32);
    Heap heap;
    heap.initialize(memory.bytes());
    std::vector<void*> blocks;
    while (void* const block = heap.allocate(1000))
        blocks.push_back(block);
    EXPECT_GE(blocks.size(), 100u);
    EXPECT_EQ(heap.statistics().failures, 1u);
    EXPECT_EQ(heap.allocate(2 * kPageSize), nullptr);
    EXPECT_EQ(heap.allocate(~std::size_t{0}), nullptr);
    EXPECT_EQ(heap.allocate(~std::size_t{0} - kPageSize), nullptr);
    for (void* const block : blocks)
        heap.free(block);
    void* const large = heap.allocate(20 * kPageSize);
    EXPECT_NE(large, nullptr);
    heap.free(large);
    heap.free(nullptr);
}

TEST(Heap, GivesEmptySlabsBack) {
    Memory memory(256);
    Heap heap;
    heap.initialize(memory.bytes());
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i)
        blocks.push_back(heap.allocate(128));
    const std::uint64_t peak = heap.statistics().used_bytes;
    for (void* const block : blocks)
        heap.free(block);
    EXPECT_GE(peak, 1000u * 128);
    EXPECT_LE(heap.statistics().used_bytes, kPageSize); // one slab stays
    EXPECT_EQ(heap.statistics().peak_bytes, peak);
}

TEST(Heap, SurvivesRandomUse) {
    Memory memory(2048);
    Heap heap;
    heap.initialize(memory.bytes());
    struct Block {
        unsigned char* data;
        std::size_t size;
        unsigned char fill;
    };
    std::vector<Block> live;
    std::mt19937 random(20260301);
    for (int step = 0; step < 40000; ++step) {
        if (live.size() < 600 && random() % 5 < 3) {
            const std::size_t size = random() % 8 == 0 ? random() % 40000 : random() % 600;
            const auto fill = static_cast<unsigned char>(random());
            auto* const data = static_cast<unsigned char*>(heap.allocate(size));
            if (data == nullptr)
                continue;
            std::memset(data, fill, size);
            live.push_back({data, size, fill});
        } else if (!live.empty()) {
            const std::size_t at = random() % live.size();
            for (std::size_t i = 0; i < live[at].size; ++i)
                ASSERT_EQ(live[at].data[i], live[at].fill);
            heap.free(live[at].data);
            live[at] = live.back();
            live.pop_back();
        }
        ASSERT_EQ(heap.statistics().live_blocks, live.size());
    }
    for (const Block& block : live)
        heap.free(block.data);
    EXPECT_NE(heap.allocate(1500 * kPageSize), nullptr);
}

TEST(HeapDeathTest, RecognizesWrongFrees) {
    Memory memory(64);
    Heap heap;
    heap.initialize(memory.bytes());
    auto* const small = static_cast<std::byte*>(heap.allocate(100));
    auto* const large = static_cast<std::byte*>(heap.allocate(3 * kPageSize));
    int outside = 0;
    EXPECT_DEATH(heap.free(&outside), "not a block");
    EXPECT_DEATH(heap.free(small + 8), "not a block");
    EXPECT_DEATH(heap.free(large + 64), "not a block");
    heap.free(large);
    EXPECT_DEATH(heap.free(large), "not a block");
    heap.free(small);
    EXPECT_DEATH(heap.free(small), "not a block");
}

} // namespace
} // namespace ashlar
