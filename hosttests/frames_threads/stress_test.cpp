// Many CPUs at once on the frame allocator. This program and what it tests are compiled for ThreadSanitizer.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "arch/fake/machine.h"
#include "kernel/memory_source.h"
#include "kernel/physical_memory.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kMemory = 32 * kMiB;

// As many CPUs as threads, in turn on two nodes.
class FramesThreads : public testing::TestWithParam<unsigned> {
protected:
    FramesThreads() {
        memory_ = ::mmap(nullptr, kMemory, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        arch::fake::machine() = {};
        arch::fake::machine().memory = static_cast<std::byte*>(memory_);
        arch::fake::machine().memory_size = kMemory;
        BootInformation boot;
        boot.add_range(PhysicalAddress(kMiB), kMemory - kMiB, MemoryRange::Kind::Usable);
        boot.numa.node_count = 2;
        boot.numa.ranges[0] = {PhysicalAddress(0), kMemory / 2, 0};
        boot.numa.ranges[1] = {PhysicalAddress(kMemory / 2), kMemory / 2, 1};
        boot.numa.range_count = 2;
        boot.numa.distance[0] = {10, 20};
        boot.numa.distance[1] = {20, 10};
        std::vector<NodeId> cpu_nodes;
        for (unsigned cpu = 0; cpu < GetParam(); ++cpu)
            cpu_nodes.push_back(cpu % 2);
        BufferSink<256> diagnostics;
        frames->initialize(boot, cpu_nodes, diagnostics);
        for (const NodeId node : {0u, 1u})
            before_[node] = frames->statistics(node);
    }
    ~FramesThreads() override {
        ::munmap(memory_, kMemory);
        arch::fake::machine() = {};
    }

    // Runs work(cpu) on a thread for each CPU, all from one moment on; then the caches are emptied.
    template <class Work>
    void on_all_cpus(Work work) {
        std::barrier start(static_cast<std::ptrdiff_t>(GetParam()));
        std::vector<std::thread> threads;
        for (unsigned cpu = 0; cpu < GetParam(); ++cpu)
            threads.emplace_back([&, cpu] {
                arch::fake::set_current_cpu(cpu);
                start.arrive_and_wait();
                work(cpu);
                frames->empty_caches();
            });
        for (std::thread& thread : threads)
            thread.join();
    }
    void expect_all_is_back() {
        for (const NodeId node : {0u, 1u}) {
            const NodeStatistics after = frames->statistics(node);
            EXPECT_EQ(after.free_frames, before_[node].free_frames);
            EXPECT_EQ(after.cached_frames, 0u);
            for (unsigned order = 0; order <= kMaxOrder; ++order)
                EXPECT_EQ(after.free_by_order[order], before_[node].free_by_order[order]) << order;
        }
    }

    std::unique_ptr<PhysicalMemory> frames = std::make_unique<PhysicalMemory>();

private:
    void* memory_;
    NodeStatistics before_[2];
};

// Who holds memory, as VMs do: whoever works for it has its lock.
struct Owner {
    struct Block {
        PhysicalAddress address;
        unsigned order;
        std::uint64_t mark;
    };
    std::mutex lock;
    MemoryAccount account;
    std::deque<Block> blocks;
};

// Both ends of a block say whose it is.
void mark(const Owner::Block& block) {
    auto* const bytes = static_cast<std::byte*>(arch::physical_to_virtual(block.address));
    std::memcpy(bytes, &block.mark, sizeof block.mark);
    std::memcpy(bytes + (kPageSize << block.order) - sizeof block.mark, &block.mark, sizeof block.mark);
}
bool is_marked(const Owner::Block& block) {
    const auto* const bytes = static_cast<const std::byte*>(arch::physical_to_virtual(block.address));
    return std::memcmp(bytes, &block.mark, sizeof block.mark) == 0 &&
           std::memcmp(bytes + (kPageSize << block.order) - sizeof block.mark, &block.mark,
                       sizeof block.mark) == 0;
}

TEST_P(FramesThreads, BlocksOfManyOwnersNeverOverlapAndComeBackWhole) {
    // Given: fewer owners than CPUs, more wishes than memory
    constexpr unsigned kOwners = 5;
    std::vector<Owner> owners(kOwners);
    std::atomic<std::uint64_t> next_mark{1}, damaged{0}, refused{0};
    const unsigned steps = 24000 / GetParam();
    // When: every CPU works for any of them, so that what one took another gives back
    on_all_cpus([&](unsigned cpu) {
        std::mt19937 random(cpu);
        for (unsigned step = 0; step < steps; ++step) {
            Owner& owner = owners[random() % kOwners];
            const std::lock_guard guard(owner.lock);
            if (random() % 3 != 0 || owner.blocks.empty()) {
                const unsigned order = random() % 4 == 0 ? random() % 8 : 0;
                const auto node = static_cast<NodeId>(random() % 3);
                const NodeWish wish{.node = node == 2 ? kAnyNode : node,
                                    .others = random() % 2 == 0 ? NodeSet() : NodeSet::all()};
                const auto block = frames->allocate(order, wish, owner.account);
                if (block.ok()) {
                    owner.blocks.push_back({block.value(), order, next_mark.fetch_add(1)});
                    mark(owner.blocks.back());
                    continue;
                }
                refused.fetch_add(1);
            }
            if (owner.blocks.empty())
                continue;
            damaged.fetch_add(is_marked(owner.blocks.front()) ? 0 : 1);
            frames->free(owner.blocks.front().address, owner.blocks.front().order, owner.account);
            owner.blocks.pop_front();
        }
    });
    // Then
    EXPECT_EQ(damaged, 0u);
    EXPECT_GT(refused, 0u);
    for (Owner& owner : owners) {
        for (const Owner::Block& block : owner.blocks) {
            EXPECT_TRUE(is_marked(block));
            frames->free(block.address, block.order, owner.account);
        }
        EXPECT_EQ(owner.account.frames, 0u);
    }
    frames->empty_caches();
    expect_all_is_back();
}

TEST_P(FramesThreads, SingleFramesMoveBetweenCachesAndNodes) {
    std::atomic<std::uint64_t> lost{0};
    const unsigned rounds = 512 / GetParam();
    on_all_cpus([&](unsigned) {
        MemoryAccount account;
        std::vector<PhysicalAddress> held;
        for (unsigned round = 0; round < rounds; ++round) {
            for (unsigned i = 0; i < 3 * FrameCache::kCapacity; ++i)
                if (const auto frame = frames->allocate(0, {}, account); frame.ok())
                    held.push_back(frame.value());
            for (const PhysicalAddress frame : held)
                frames->free(frame, 0, account);
            held.clear();
        }
        lost.fetch_add(account.frames);
    });
    EXPECT_EQ(lost, 0u);
    expect_all_is_back();
}

TEST_P(FramesThreads, StatisticsCanBeReadMeanwhile) {
    std::atomic<bool> done{false};
    std::thread reader([&] {
        arch::fake::set_current_cpu(PhysicalMemory::kMaxCachedCpus); // without a cache
        while (!done.load()) {
            for (const NodeId node : {0u, 1u}) {
                const NodeStatistics now = frames->statistics(node);
                EXPECT_LE(now.cached_frames, GetParam() * FrameCache::kCapacity);
            }
            std::this_thread::yield();
        }
    });
    on_all_cpus([&](unsigned) {
        MemoryAccount account;
        for (unsigned i = 0; i < 20000 / GetParam(); ++i)
            if (const auto frame = frames->allocate(i % 64 == 0 ? 3 : 0, {}, account); frame.ok())
                frames->free(frame.value(), i % 64 == 0 ? 3 : 0, account);
    });
    done = true;
    reader.join();
    expect_all_is_back();
}

TEST_P(FramesThreads, WhatOthersKeepIsGivenBackWhenMemoryIsShort) {
    if (GetParam() == 1)
        return; // there are no others
    // Given: every CPU keeps frames for itself, and CPU 0 takes all the rest
    std::atomic<bool> taken{false}, done{false};
    std::atomic<unsigned> ready{0};
    on_all_cpus([&](unsigned cpu) {
        MemoryAccount account;
        const PhysicalAddress own = frames->allocate(0, {}, account).value();
        ready.fetch_add(1);
        if (cpu != 0) {
            // Each works on a little, and meets the request.
            while (!done.load()) {
                if (taken.load()) {
                    const auto frame = frames->allocate(0, {.node = cpu % 2, .others = {}}, account);
                    if (frame.ok())
                        frames->free(frame.value(), 0, account);
                }
                std::this_thread::yield();
            }
            frames->free(own, 0, account);
            return;
        }
        while (ready.load() != GetParam())
            std::this_thread::yield();
        std::vector<PhysicalAddress> held;
        const std::uint64_t all = frames->free_frames();
        const auto take_all = [&] {
            for (;;) {
                const auto frame = frames->allocate(0, {}, account);
                if (!frame.ok())
                    return;
                held.push_back(frame.value());
            }
        };
        take_all();
        EXPECT_LT(held.size(), all);
        taken = true;
        // When: it asks again and again, then all but what each CPU just works on comes to it
        while (held.size() + 4 * GetParam() < all) {
            take_all();
            std::this_thread::yield();
        }
        done = true;
        for (const PhysicalAddress frame : held)
            frames->free(frame, 0, account);
        frames->free(own, 0, account);
    });
    expect_all_is_back();
}

INSTANTIATE_TEST_SUITE_P(Cpus, FramesThreads, testing::Values(1u, 2u, 4u, 8u, 16u),
                         [](const auto& parameter) { return std::to_string(parameter.param); });

} // namespace
} // namespace ashlar::kernel
