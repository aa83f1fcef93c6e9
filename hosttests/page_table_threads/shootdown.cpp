// Threads are CPUs that run one VM, walk its tables as hardware does and cache what they find; others change
// the tables and give the memory to somebody else. Compiled for ThreadSanitizer, which sees every access that
// the protocol does not order; what comes back is poisoned, so that a CPU that uses it all the same is
// caught.
#include "kernel/shootdown.h"

#include <array>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "arch/fake/machine.h"
#include "arch/fake/table_space.h"

namespace ashlar::kernel {
namespace {

using arch::fake::TablePolicy;
using arch::fake::TableSpace;
using Format = TablePolicy::Format;

constexpr std::uint64_t k2M = 2 << 20;
constexpr std::uint64_t kPoison = 0xdead'dead'dead'dead;
constexpr Rights kReadOnly{.read = true}, kReadWrite{.read = true, .write = true};
constexpr unsigned kMaxCpus = 16;

// Single frames, the last that was freed first. Accesses to their contents are plain ones.
class PoisoningFrames final : public FrameAllocator {
public:
    PoisoningFrames(std::uint64_t begin, std::uint64_t end) : next_(begin), end_(end) {}
    Result<PhysicalAddress> allocate(unsigned order, const NodeWish&, MemoryAccount& account) override {
        const std::lock_guard lock(mutex_);
        account.frames += std::uint64_t{1} << order;
        if (order == 0 && !free_.empty()) {
            const PhysicalAddress frame = free_.back();
            free_.pop_back();
            return frame;
        }
        const std::uint64_t size = kPageSize << order, block = (next_ + size - 1) & ~(size - 1);
        if (block + size > end_)
            return Error::OutOfMemory;
        next_ = block + size;
        return PhysicalAddress(block);
    }
    void free(PhysicalAddress block, unsigned order, MemoryAccount& account) override {
        auto* const words = static_cast<std::uint64_t*>(arch::physical_to_virtual(block));
        std::fill_n(words, (kPageSize << order) / sizeof(std::uint64_t), kPoison);
        const std::lock_guard lock(mutex_);
        account.frames -= std::uint64_t{1} << order;
        if (order == 0)
            free_.push_back(block);
    }
    unsigned node_count() const override { return 1; }
    NodeStatistics statistics(NodeId) const override { return {}; }
    NodeId nearest(NodeId, unsigned) const override { return 0; }
    unsigned distance(NodeId, NodeId) const override { return 10; }

private:
    std::mutex mutex_;
    std::uint64_t next_, end_;
    std::vector<PhysicalAddress> free_;
};

// What a page of the VM holds: which it is, and how often each CPU has written it.
struct Contents {
    std::uint64_t page;
    std::array<std::uint64_t, kMaxCpus> writes;
};
Contents& contents(PhysicalAddress frame) {
    return *static_cast<Contents*>(arch::physical_to_virtual(frame));
}

// The pages of the test: a large page that is only ever split, merged and protected, and single ones.
constexpr std::uint64_t kLargePages = k2M / kPageSize, kSinglePages = 64, kPages = kLargePages + kSinglePages;
// Single pages lie far apart, so that tables come and go.
GuestPhysicalAddress address_of(std::uint64_t page) {
    return page < kLargePages ? GuestPhysicalAddress(page * kPageSize)
                              : GuestPhysicalAddress(k2M * (2 + page - kLargePages));
}

struct Machine {
    static constexpr std::uint64_t kMemory = 16 << 20;

    Machine() {
        arch::fake::machine().memory = reinterpret_cast<std::byte*>(
            (reinterpret_cast<std::uintptr_t>(storage.data()) + k2M - 1) / k2M * k2M);
        arch::fake::machine().memory_size = kMemory;
        arch::fake::machine().on_kick = [this](unsigned cpu) { kicked[cpu].store(true); };
        space = TableSpace::create(source).value();
    }
    ~Machine() {
        space->destroy();
        arch::fake::machine().on_kick = nullptr;
        EXPECT_EQ(account.frames, 0u);
    }

    std::vector<std::byte> storage = std::vector<std::byte>(kMemory + k2M);
    PoisoningFrames frames{k2M, kMemory};
    MemoryAccount account{.name = "vm"};
    MemorySource source{frames, account};
    TableSpace* space = nullptr;
    std::mutex vm_lock; // of the tables
    std::array<std::atomic<bool>, 2 * kMaxCpus> kicked{};
    std::atomic<std::uint64_t> accesses{0};
    std::atomic<bool> stop{false};
};

// A virtual CPU with a TLB and a cache of where page tables are, as large as can be to remember all mistakes.
class Walker {
public:
    Walker(Machine& machine, unsigned number)
        : machine_(machine), number_(number), translations_(machine.space->shootdown()), random_(number) {}

    // The virtual CPU moves between two CPUs.
    void run() {
        for (unsigned turn = 0; !machine_.stop.load(); ++turn) {
            const unsigned cpu = number_ + (turn % 2) * kMaxCpus;
            arch::fake::set_current_cpu(cpu);
            machine_.kicked[cpu].store(false);
            const std::uint64_t generation = translations_.enter();
            if (generation != flushed_) {
                tlb_.clear();
                tables_.clear();
            }
            flushed_ = generation;
            for (int i = 0; i < 500 && !machine_.kicked[cpu].load(std::memory_order_relaxed); ++i)
                access(random_() % kPages, random_() % 4 == 0);
            translations_.leave();
            std::this_thread::yield(); // there are fewer processors than CPUs
        }
    }

private:
    struct Translation {
        std::uint64_t* entry;
        std::uint64_t value; // as cached
        PhysicalAddress frame;
    };

    void access(std::uint64_t page, bool write) {
        const auto cached = tlb_.find(page);
        Translation translation;
        if (cached != tlb_.end())
            translation = cached->second;
        else if (!walk(page, translation))
            return;
        if (write) {
            if ((translation.value & Format::kWrite) == 0)
                return;
            if ((translation.value & Format::kDirty) == 0 && !note(translation, Format::kDirty))
                return;
        }
        tlb_[page] = translation;
        Contents& found = contents(translation.frame);
        EXPECT_EQ(found.page, page);
        if (write)
            ++found.writes[number_];
        machine_.accesses.fetch_add(1, std::memory_order_relaxed);
    }

    // From the root, or from a table that is known.
    bool walk(std::uint64_t page, Translation& translation) {
        const std::uint64_t address = address_of(page).value();
        const auto known = tables_.find(address / k2M);
        PhysicalAddress table = known != tables_.end() ? known->second : machine_.space->root();
        for (unsigned level = known != tables_.end() ? 1 : 4;; --level) {
            const unsigned shift = 12 + 9 * (level - 1);
            auto* const entry =
                static_cast<std::uint64_t*>(arch::physical_to_virtual(table)) + (address >> shift & 511);
            const std::uint64_t value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
            if (!Format::is_present(value))
                return false;
            if (level == 1 || Format::is_leaf(value, level)) {
                const std::uint64_t within = address & ((std::uint64_t{1} << shift) - 1);
                translation = {entry, value, Format::address(value, level) + within};
                return note(translation, Format::kAccessed);
            }
            table = Format::table_address(value);
            if (level == 2)
                tables_[address / k2M] = table;
        }
    }

    // As a locked update by the CPU; false when the entry is another one by now, and the access starts anew.
    bool note(Translation& translation, std::uint64_t bit) {
        std::uint64_t value = __atomic_load_n(translation.entry, __ATOMIC_ACQUIRE);
        do {
            if (((value ^ translation.value) & ~(Format::kAccessed | Format::kDirty)) != 0)
                return false;
        } while (!__atomic_compare_exchange_n(translation.entry, &value, value | bit, false, __ATOMIC_ACQ_REL,
                                              __ATOMIC_ACQUIRE));
        translation.value = value | bit;
        return true;
    }

    Machine& machine_;
    unsigned number_;
    CachedTranslations translations_;
    std::mt19937 random_;
    std::uint64_t flushed_ = 0;
    std::unordered_map<std::uint64_t, Translation> tlb_;
    std::unordered_map<std::uint64_t, PhysicalAddress> tables_;
};

// Changes the tables; several take turns.
class Changer {
public:
    struct Shared {
        PhysicalAddress large; // 2 MiB
        std::array<PhysicalAddress, kSinglePages> single{};
        std::array<bool, kSinglePages> mapped{};
        std::array<std::uint64_t, kPages> counted{}; // writes that were known when last looked
        bool large_is_read_only = false;
    };

    Changer(Machine& machine, Shared& shared, unsigned seed)
        : machine_(machine), shared_(shared), random_(seed) {}

    // At least so many, and until CPUs have had their share.
    void run(int changes) {
        for (int i = 0; i < changes || machine_.accesses.load() < 1000; ++i) {
            const std::lock_guard lock(machine_.vm_lock);
            switch (random_() % 5) {
            case 0: protect_part(); break;
            case 1: protect_all(); break;
            case 2: look_for_writes(); break;
            case 3: change_single(); break;
            default: change_many(); break;
            }
        }
    }

private:
    AddressSpace& space() { return *machine_.space; }

    // Splits the large page and merges it again.
    void protect_part() {
        const std::uint64_t page = random_() % kLargePages;
        ASSERT_TRUE(space().protect(address_of(page), kPageSize, kReadOnly).ok());
        const std::uint64_t then = writes(shared_.large + page * kPageSize);
        std::this_thread::yield();
        EXPECT_EQ(writes(shared_.large + page * kPageSize), then);
        if (!shared_.large_is_read_only) {
            ASSERT_TRUE(space().protect(address_of(page), kPageSize, kReadWrite).ok());
        }
        EXPECT_EQ(space().translate(address_of(0)).value().leaf_size, k2M);
    }
    void protect_all() {
        shared_.large_is_read_only = !shared_.large_is_read_only;
        ASSERT_TRUE(
            space().protect(address_of(0), k2M, shared_.large_is_read_only ? kReadOnly : kReadWrite).ok());
    }

    // While nobody can write: every page that has been written since the last time is shown.
    void look_for_writes() {
        struct Written final : LeafVisitor {
            void visit(GuestPhysicalAddress from, std::uint64_t size) override {
                for (std::uint64_t at = 0; at < size && from.value() + at < k2M; at += kPageSize)
                    pages[(from.value() + at) / kPageSize] = true;
            }
            std::array<bool, kLargePages> pages{};
        } written;
        if (random_() % 2 == 0) {
            ASSERT_TRUE(space().split(address_of(0), k2M, kPageSize).ok());
        }
        ASSERT_TRUE(space().protect(address_of(0), k2M, kReadOnly).ok());
        ASSERT_TRUE(space().take_dirty(address_of(0), k2M, written).ok());
        for (std::uint64_t page = 0; page < kLargePages; ++page) {
            const std::uint64_t now = writes(shared_.large + page * kPageSize);
            EXPECT_TRUE(now == shared_.counted[page] || written.pages[page]);
            shared_.counted[page] = now;
        }
        shared_.large_is_read_only = false;
        ASSERT_TRUE(space().protect(address_of(0), k2M, kReadWrite).ok());
    }

    void change_single() {
        const std::uint64_t i = random_() % kSinglePages;
        if (shared_.mapped[i]) {
            ASSERT_TRUE(space().unmap(address_of(kLargePages + i), kPageSize).ok());
            give_back(i);
        } else {
            map(i);
        }
    }
    // One invalidation for all that goes.
    void change_many() {
        std::vector<std::uint64_t> gone;
        {
            const InvalidationBatch batch(space());
            for (std::uint64_t i = 0; i < kSinglePages; ++i)
                if (shared_.mapped[i] && random_() % 2 == 0) {
                    ASSERT_TRUE(space().unmap(address_of(kLargePages + i), kPageSize).ok());
                    gone.push_back(i);
                }
        }
        for (const std::uint64_t i : gone)
            give_back(i);
        for (std::uint64_t i = 0; i < kSinglePages; ++i)
            if (!shared_.mapped[i] && random_() % 2 == 0)
                map(i);
    }
    void map(std::uint64_t i) {
        const PhysicalAddress frame = machine_.source.allocate(0).value();
        contents(frame) = {.page = kLargePages + i, .writes = {}};
        ASSERT_TRUE(space()
                        .map(address_of(kLargePages + i), frame, kPageSize, kReadWrite, MemoryType::WriteBack)
                        .ok());
        shared_.single[i] = frame;
        shared_.mapped[i] = true;
    }
    void give_back(std::uint64_t i) {
        machine_.source.free(shared_.single[i], 0);
        shared_.mapped[i] = false;
    }
    // Plain reads: an error if somebody may still write.
    static std::uint64_t writes(PhysicalAddress frame) {
        std::uint64_t sum = 0;
        for (const std::uint64_t count : contents(frame).writes)
            sum += count;
        return sum;
    }

    Machine& machine_;
    Shared& shared_;
    std::mt19937 random_;
};

class ShootdownTest : public testing::TestWithParam<unsigned> {};

TEST_P(ShootdownTest, NoCpuUsesWhatIsGone) {
    const unsigned cpus = GetParam();
    Machine machine;
    Changer::Shared shared;
    shared.large = machine.source.allocate(9).value();
    for (std::uint64_t page = 0; page < kLargePages; ++page)
        contents(shared.large + page * kPageSize).page = page;
    ASSERT_TRUE(machine.space->map(address_of(0), shared.large, k2M, kReadWrite, MemoryType::WriteBack).ok());
    {
        std::vector<std::unique_ptr<Walker>> walkers;
        std::vector<std::thread> threads, changers;
        for (unsigned i = 0; i < cpus; ++i)
            walkers.push_back(std::make_unique<Walker>(machine, i));
        for (auto& walker : walkers)
            threads.emplace_back([&walker] { walker->run(); });
        for (unsigned i = 0; i < 2; ++i)
            changers.emplace_back([&, i] { Changer(machine, shared, 100 + i).run(cpus > 4 ? 60 : 200); });
        for (std::thread& thread : changers)
            thread.join();
        machine.stop.store(true);
        for (std::thread& thread : threads)
            thread.join();
    }
    for (std::uint64_t i = 0; i < kSinglePages; ++i)
        if (shared.mapped[i])
            machine.source.free(shared.single[i], 0);
    machine.source.free(shared.large, 9);
}

TEST(Shootdown, KicksACpuThatRunsTheVmAndWaitsForIt) {
    Machine machine;
    const PhysicalAddress frame = machine.source.allocate(0).value();
    ASSERT_TRUE(machine.space->map(address_of(0), frame, kPageSize, kReadWrite, MemoryType::WriteBack).ok());
    std::atomic<bool> entered{false};
    bool left = false;
    CachedTranslations translations(machine.space->shootdown());
    std::thread cpu([&] {
        arch::fake::set_current_cpu(3);
        static_cast<void>(translations.enter());
        entered.store(true);
        while (!machine.kicked[3].load())
            std::this_thread::yield();
        left = true;
        translations.leave();
    });
    while (!entered.load())
        std::this_thread::yield();
    ASSERT_TRUE(machine.space->unmap(address_of(0), kPageSize).ok());
    EXPECT_TRUE(left);
    cpu.join();
    machine.source.free(frame, 0);
}

INSTANTIATE_TEST_SUITE_P(Cpus, ShootdownTest, testing::Values(1, 4, 16));

} // namespace
} // namespace ashlar::kernel
