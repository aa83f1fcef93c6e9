// Second-level tables: ranges mapped, changed and taken away, and what it costs to make CPUs forget.
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "arch/fake/machine.h"
#include "arch/fake/table_space.h"

namespace ashlar::bench {

namespace {

using namespace kernel;
using arch::fake::TableSpace;

constexpr std::uint64_t k4K = 1 << 12, k2M = 1 << 21, k1G = 1 << 30;
constexpr Rights kReadOnly{.read = true}, kReadWrite{.read = true, .write = true};

// Single frames of 16 MiB, the last that was freed first.
class Frames final : public FrameAllocator {
public:
    Frames() {
        arch::fake::machine().memory = storage_.data();
        arch::fake::machine().memory_size = storage_.size();
        for (std::uint64_t at = storage_.size(); at != 0; at -= kPageSize)
            free_.push_back(PhysicalAddress(at - kPageSize));
    }
    Result<PhysicalAddress> allocate(unsigned order, const NodeWish&, MemoryAccount&) override {
        if (order != 0 || free_.empty())
            return Error::OutOfMemory;
        const PhysicalAddress frame = free_.back();
        free_.pop_back();
        return frame;
    }
    void free(PhysicalAddress block, unsigned, MemoryAccount&) override { free_.push_back(block); }
    unsigned node_count() const override { return 1; }
    NodeStatistics statistics(NodeId) const override { return {}; }
    NodeId nearest(NodeId, unsigned) const override { return 0; }
    unsigned distance(NodeId, NodeId) const override { return 10; }

private:
    std::vector<std::byte> storage_ = std::vector<std::byte>(16 << 20);
    std::vector<PhysicalAddress> free_;
};

struct Space {
    Frames frames;
    MemoryAccount account;
    MemorySource source{frames, account};
    TableSpace* space = TableSpace::create(source).value();
    ~Space() { space->destroy(); }
    AddressSpace* operator->() { return space; }
};

// range(0) bytes, whose place allows leaves of range(1) bytes at most.
void map_and_unmap(benchmark::State& state) {
    Space space;
    const auto size = static_cast<std::uint64_t>(state.range(0)),
               leaf = static_cast<std::uint64_t>(state.range(1));
    for (auto _ : state) {
        if (!space
                 ->map(GuestPhysicalAddress(k1G), PhysicalAddress(2 * k1G + leaf), size, kReadWrite,
                       MemoryType::WriteBack)
                 .ok() ||
            !space->unmap(GuestPhysicalAddress(k1G), size).ok())
            return state.SkipWithError("refused");
    }
}
BENCHMARK(map_and_unmap)
    ->Args({k4K, k4K})
    ->Args({k2M, k4K})
    ->Args({k2M, k2M})
    ->Args({k1G, k2M})
    ->Args({k1G, k1G});

// A page of a large leaf loses a right and gets it back: the leaf is split and merged.
void protect_page_of(benchmark::State& state) {
    Space space;
    const auto leaf = static_cast<std::uint64_t>(state.range(0));
    if (!space->map(GuestPhysicalAddress(0), PhysicalAddress(k1G), leaf, kReadWrite, MemoryType::WriteBack)
             .ok())
        return state.SkipWithError("refused");
    for (auto _ : state) {
        if (!space->protect(GuestPhysicalAddress(k4K), k4K, kReadOnly).ok() ||
            !space->protect(GuestPhysicalAddress(k4K), k4K, kReadWrite).ok())
            return state.SkipWithError("refused");
    }
}
BENCHMARK(protect_page_of)->Arg(k2M)->Arg(k1G);

void translate(benchmark::State& state) {
    Space space;
    const auto leaf = static_cast<std::uint64_t>(state.range(0));
    if (!space
             ->map(GuestPhysicalAddress(0), PhysicalAddress(k1G + leaf), k1G, kReadWrite,
                   MemoryType::WriteBack)
             .ok())
        return state.SkipWithError("refused");
    std::uint64_t at = 0;
    for (auto _ : state) {
        at = (at + 7 * k4K) % k1G;
        benchmark::DoNotOptimize(space->translate(GuestPhysicalAddress(at)).value().address);
    }
}
BENCHMARK(translate)->Arg(k2M)->Arg(k1G);

struct Counter final : LeafVisitor {
    void visit(GuestPhysicalAddress, std::uint64_t) override { ++leaves; }
    std::uint64_t leaves = 0;
};
// Nothing is dirty: the cost of looking, for range(0) bytes in 4 KiB leaves.
void take_dirty(benchmark::State& state) {
    Space space;
    const auto size = static_cast<std::uint64_t>(state.range(0));
    if (!space->map(GuestPhysicalAddress(0), PhysicalAddress(k1G), size, kReadWrite, MemoryType::WriteBack)
             .ok() ||
        !space->split(GuestPhysicalAddress(0), size, k4K).ok())
        return state.SkipWithError("refused");
    Counter counter;
    for (auto _ : state)
        benchmark::DoNotOptimize(space->take_dirty(GuestPhysicalAddress(0), size, counter).ok());
}
BENCHMARK(take_dirty)->Arg(k2M)->Arg(64 * k2M);

// Entering and leaving the VM, as far as invalidation needs it.
void enter_and_leave(benchmark::State& state) {
    Space space;
    CachedTranslations translations(space.space->shootdown());
    for (auto _ : state) {
        benchmark::DoNotOptimize(translations.enter());
        translations.leave();
    }
}
BENCHMARK(enter_and_leave);

// A page is unmapped from and mapped to a VM that range(0) threads run, each of which leaves when it is
// kicked and looks for that on each turn.
void unmap_from_running_cpus(benchmark::State& state) {
    const auto cpus = static_cast<unsigned>(state.range(0));
    Space space;
    std::atomic<bool> stop{false};
    std::vector<std::atomic<bool>> kicked(cpus);
    arch::fake::machine().on_kick = [&](unsigned cpu) { kicked[cpu].store(true, std::memory_order_relaxed); };
    std::vector<std::unique_ptr<CachedTranslations>> translations;
    for (unsigned i = 0; i < cpus; ++i)
        translations.push_back(std::make_unique<CachedTranslations>(space.space->shootdown()));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < cpus; ++i)
        threads.emplace_back([&, i] {
            arch::fake::set_current_cpu(i);
            while (!stop.load(std::memory_order_relaxed)) {
                kicked[i].store(false, std::memory_order_relaxed);
                static_cast<void>(translations[i]->enter());
                for (int turn = 0; turn < 1000 && !kicked[i].load(std::memory_order_relaxed); ++turn)
                    cpu_relax();
                translations[i]->leave();
                std::this_thread::yield(); // there may be fewer processors
            }
        });
    for (auto _ : state) {
        if (!space->map(GuestPhysicalAddress(0), PhysicalAddress(0), k4K, kReadWrite, MemoryType::WriteBack)
                 .ok() ||
            !space->unmap(GuestPhysicalAddress(0), k4K).ok())
            state.SkipWithError("refused");
    }
    stop.store(true);
    for (std::thread& thread : threads)
        thread.join();
    arch::fake::machine().on_kick = nullptr;
}
BENCHMARK(unmap_from_running_cpus)->Arg(0)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->UseRealTime();

} // namespace

} // namespace ashlar::bench
