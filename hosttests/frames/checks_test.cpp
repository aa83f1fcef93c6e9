// What debug builds find.
#include "kernel/frame_checks.h"

#include <algorithm>
#include <csignal>
#include <random>

#include "arch/clear.h"
#include "hosttests/frames/frames_test.h"
#include "kernel/backing_memory.h"

namespace ashlar::kernel {
namespace {

class FrameChecks : public FramesTest {
protected:
    FrameChecks() {
        testing::GTEST_FLAG(death_test_style) = "fast";
        all_usable();
        nodes(2);
        check_frames();
        start();
    }
    // Takes everything there is, which looks at everything.
    void take_all() {
        while (allocate(0).ok()) {
        }
    }
};
using FrameChecksDeathTest = FrameChecks;

TEST_F(FrameChecks, FreedMemoryIsFilled) {
    const PhysicalAddress block = allocate(2).value();
    std::fill_n(bytes_at(block), 4 * kPageSize, std::byte{0x11});
    frames->free(block, 2, account);
    std::uint64_t poisoned = 0;
    for (std::uint64_t at = 0; at < 4 * kPageSize; at += 8)
        poisoned += load_le<std::uint64_t>(bytes_at(block + at)) == frame_checks::kPoison;
    EXPECT_GE(poisoned, 4 * kPageSize / 8 - 2); // but for the allocator's own links
}

TEST_F(FrameChecks, HonestUseIsNotDisturbed) {
    std::mt19937 random(1);
    std::vector<std::pair<PhysicalAddress, unsigned>> held;
    const std::uint64_t before = frames->free_frames();
    for (int step = 0; step < 20000; ++step) {
        if (random() % 2 == 0) {
            const auto order = static_cast<unsigned>(random() % 6);
            const auto block = allocate(order, {.node = static_cast<NodeId>(random() % 2)});
            if (block.ok()) {
                std::fill_n(bytes_at(block.value()), kPageSize << order, static_cast<std::byte>(step));
                held.emplace_back(block.value(), order);
            }
        } else if (!held.empty()) {
            std::swap(held[random() % held.size()], held.back());
            frames->free(held.back().first, held.back().second, account);
            held.pop_back();
        }
    }
    for (const auto& [address, order] : held)
        frames->free(address, order, account);
    take_all();
    EXPECT_EQ(account.frames, before);
}

// Where a block of 2^order frames is written after it was freed, the caches being emptied before or not.
TEST_F(FrameChecksDeathTest, WritesToFreeMemoryAreFound) {
    for (const bool emptied : {false, true})
        for (const unsigned order : {0u, 4u})
            for (const std::uint64_t offset : {std::uint64_t{16}, kPageSize - 1, (kPageSize << order) - 8}) {
                const PhysicalAddress block = allocate(order).value();
                frames->free(block, order, account);
                if (emptied)
                    frames->empty_caches();
                EXPECT_DEATH(
                    {
                        bytes_at(block)[offset] ^= std::byte{1};
                        take_all();
                    },
                    "no write to a free frame")
                    << order << " " << offset << " " << emptied;
            }
}

TEST_F(FrameChecksDeathTest, WritesToTheAllocatorsLinksAreFound) {
    const PhysicalAddress block = allocate(3).value();
    const PhysicalAddress other = allocate(3).value(); // its buddy stays taken
    frames->free(block, 3, account);
    for (const std::uint64_t offset : {0u, 8u})
        EXPECT_DEATH(
            {
                store_le(bytes_at(block + offset), other.value());
                take_all();
            },
            "") // an assertion, or a page fault at what now stands for an address
            << offset;
}

TEST_F(FrameChecksDeathTest, FreeingTwiceIsCaught) {
    const PhysicalAddress frame = allocate(0).value();
    frames->free(frame, 0, account);
    EXPECT_DEATH(frames->free(frame, 0, account), "every frame is freed once, by its owner");
}

TEST_F(FrameChecksDeathTest, FreeingAnothersFrameIsCaughtThoughTheAccountsAddUp) {
    MemoryAccount other{.name = "other"};
    const PhysicalAddress mine = allocate(0).value();
    const PhysicalAddress theirs = frames->allocate(0, {}, other).value();
    EXPECT_DEATH(frames->free(theirs, 0, account), "every frame is freed once, by its owner");
    frames->free(mine, 0, account);
    frames->free(theirs, 0, other);
}

TEST_F(FrameChecks, WhatFoundItIsSaid) {
    const PhysicalAddress frame = allocate(0).value();
    frames->free(frame, 0, account);
    EXPECT_EXIT(
        {
            bytes_at(frame)[24] = std::byte{};
            std::signal(SIGABRT, [](int) { arch::power_off(false); }); // prints the console
            take_all();
        },
        testing::ExitedWithCode(35),
        "ashlar: memory: 0x[0-9a-f]+018 was written after it was freed, it holds 0x");
}

// ------------------------------------------------------------------------------------------ clearing

TEST(Clear, ZeroesWhatItIsToldAndNoMore) {
    constexpr std::size_t kSpace = 4 << 20;
    std::vector<std::byte> memory(kSpace + kPageSize);
    auto* const begin = reinterpret_cast<std::byte*>(
        (reinterpret_cast<std::uintptr_t>(memory.data()) + kPageSize - 1) & ~(kPageSize - 1));
    for (const std::size_t size : {kPageSize, 64 * 1024ul, 256 * 1024ul, 260 * 1024ul, 2ul << 20}) {
        std::fill(memory.begin(), memory.end(), std::byte{0xff});
        arch::clear_pages(begin + kPageSize, size);
        const auto is_zero = [](std::byte b) { return b == std::byte{}; };
        EXPECT_TRUE(std::all_of(begin + kPageSize, begin + kPageSize + size, is_zero)) << size;
        EXPECT_EQ(begin[kPageSize - 1], std::byte{0xff}) << size;
        EXPECT_EQ(begin[kPageSize + size], std::byte{0xff}) << size;
    }
}

} // namespace
} // namespace ashlar::kernel
