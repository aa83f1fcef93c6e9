// A thread is a hart that reads guest memory through its software TLB; others give its pages other memory,
// have it forget, and write to what it had. Compiled for ThreadSanitizer, which sees each read of the hart's
// that the protocol does not order before that write; what was taken is poisoned besides.
#include "jit/mmu/flush_mailbox.h"

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "jit/mmu/mmu.h"

namespace ashlar::jit::mmu {

namespace {

using Kind = RemoteFlush::Kind;

constexpr std::uint64_t kRam = 0x8000'0000, kPoison = 0xdead'dead'dead'dead;
constexpr std::size_t kSpaces = 2, kPagesOfThread = 24, kMaxThreads = 16;
constexpr std::size_t kVirtualPages = kPagesOfThread * kMaxThreads;
// Each thread has for each of its pages, in each space, two of memory.
constexpr std::size_t kRamPages = 2 * kSpaces * kVirtualPages;

// Page tables: where the virtual pages of both spaces lie.
class Tables final : public Translator {
public:
    bool translate(std::uint64_t address, unsigned, Access, Mapping& mapping, Fault&) override {
        const std::uint64_t page = of[space][address >> kPageShift].load(std::memory_order_acquire);
        mapping = {GuestPhysicalAddress(kRam + (page << kPageShift) + (address & (kPageSize - 1))),
                   {},
                   denies::kStores};
        return true;
    }
    bool look_up(std::uint64_t address, Access access, Mapping& mapping) override {
        Fault fault;
        return translate(address, 1, access, mapping, fault);
    }
    void fetches_by(std::uint64_t, const Mapping&) override {}
    std::uint64_t access_fault(Access) const override { return 5; }
    std::uint64_t misaligned_fault(Access) const override { return 4; }

    std::array<std::array<std::atomic<std::uint64_t>, kVirtualPages>, kSpaces> of{};
    std::size_t space = 0; // the hart's
};

// Contents of the page.
constexpr std::uint64_t name_of(std::size_t space, std::uint64_t page) {
    return space << 32 | page | std::uint64_t{1} << 40;
}

class RemoteFlushTest : public testing::TestWithParam<unsigned> {
protected:
    RemoteFlushTest() {
        for (std::size_t space = 0; space < kSpaces; ++space)
            for (std::size_t page = 0; page < kVirtualPages; ++page) {
                fill(memory_of(space, page, 0), name_of(space, page));
                tables.of[space][page].store(memory_of(space, page, 0));
            }
        mmu->select({0, 0, 0}, {0, 0, 0});
    }
    static std::uint64_t memory_of(std::size_t space, std::uint64_t page, unsigned which) {
        return 2 * (space * kVirtualPages + page) + which;
    }
    // Plain stores, of the words that the hart reads.
    void fill(std::uint64_t page, std::uint64_t value) {
        for (std::size_t at = 0; at < kPageSize; at += 512)
            std::memcpy(&bytes[page * kPageSize + at], &value, sizeof value);
    }

    void run_hart();
    void exchange_pages(unsigned thread);

    std::vector<std::byte> bytes = std::vector<std::byte>(kRamPages << kPageShift);
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kRamPages);
    GuestMemory memory{GuestPhysicalAddress(kRam), {bytes.data(), bytes.size()}, code_pages.data()};
    Bus bus;
    Tables tables;
    std::unique_ptr<Mmu> mmu = std::make_unique<Mmu>(memory, bus, tables);
    FlushMailbox mailbox;
    std::atomic<bool> stopped{false};
    std::uint64_t hits = 0, misses = 0, served = 0, wrong = 0;
};

void RemoteFlushTest::run_hart() {
    std::mt19937 random(1);
    const auto serve = [&] {
        if (mailbox.pending())
            mailbox.serve([&](const RemoteFlush& flush) {
                ++served;
                switch (flush.kind) {
                case Kind::All: return mmu->flush_all();
                case Kind::Range: {
                    for (std::size_t space = 0; space < kSpaces; ++space)
                        mmu->flush(space, flush.address, flush.size);
                    return;
                }
                case Kind::Space: return mmu->flush(flush.identifier, flush.address, flush.size);
                case Kind::Physical: return mmu->flush_physical(flush.page);
                }
            });
    };
    mailbox.enter();
    serve();
    while (!stopped.load(std::memory_order_relaxed)) {
        // What a hart does between two looks for events, without a lock.
        for (int access = 0; access < 200; ++access) {
            const std::uint64_t page = random() % kVirtualPages;
            const std::uint64_t address = page << kPageShift | 512 * (random() % 8);
            std::uint64_t value = 0;
            if (mmu->data().hits(kLoads, address, 8)) {
                ++hits;
                std::memcpy(&value, reinterpret_cast<const void*>(address + mmu->data().addend(address)), 8);
            } else {
                ++misses;
                ASSERT_TRUE(mmu->load(address, 8, value));
            }
            wrong += value != name_of(tables.space, page) ? 1 : 0;
        }
        const unsigned event = random() % 8;
        if (event < 2) {
            tables.space = event;
            mmu->select({event, 0, event}, {event, 0, event});
        } else if (event == 2) { // idle: stops and comes back
            mailbox.leave();
            std::this_thread::yield();
            mailbox.enter();
        }
        serve();
    }
    mailbox.leave();
}

void RemoteFlushTest::exchange_pages(unsigned thread) {
    std::mt19937 random(thread + 100);
    std::array<std::array<unsigned, kPagesOfThread>, kSpaces> which{};
    for (int round = 0; round < 500; ++round) {
        const std::size_t space = random() % kSpaces, own = random() % kPagesOfThread;
        const std::uint64_t page = thread * kPagesOfThread + own, address = page << kPageShift;
        unsigned& now = which[space][own];
        const std::uint64_t old = memory_of(space, page, now), next = memory_of(space, page, now ^ 1);
        now ^= 1;
        fill(next, name_of(space, page));
        tables.of[space][page].store(next, std::memory_order_release);
        const RemoteFlush flushes[] = {
            {},
            {Kind::Range, 0, address, kPageSize},
            {Kind::Space, static_cast<std::uint16_t>(space), address, kPageSize},
            {.kind = Kind::Physical, .page = GuestPhysicalAddress(kRam + (old << kPageShift))},
        };
        const std::uint64_t ticket = mailbox.post(flushes[random() % 16 == 0 ? 0 : 1 + random() % 3]);
        while (!mailbox.done(ticket))
            std::this_thread::yield();
        fill(old, kPoison);
    }
}

TEST_P(RemoteFlushTest, NobodyUsesWhatItWasToldToForget) {
    std::thread hart([&] { run_hart(); });
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < GetParam(); ++thread)
        threads.emplace_back([this, thread] { exchange_pages(thread); });
    for (std::thread& thread : threads)
        thread.join();
    stopped.store(true);
    hart.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_GT(hits, 0u);
    EXPECT_GT(served, 0u);
}
INSTANTIATE_TEST_SUITE_P(Threads, RemoteFlushTest, testing::Values(1u, 2u, 4u, 8u, 16u));

} // namespace

} // namespace ashlar::jit::mmu
