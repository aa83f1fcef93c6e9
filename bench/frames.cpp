// The frame allocator: single frames from a CPU's cache and through it, blocks, and how far a VM's memory is.
#include <benchmark/benchmark.h>

#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "arch/fake/machine.h"
#include "kernel/memory_source.h"
#include "kernel/numa_builder.h"
#include "kernel/physical_memory.h"
#include "kernel/vcpu_placement.h"

namespace ashlar::bench {

namespace {

using namespace kernel;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr unsigned kCpus = 16;

// A fake machine of 16 CPUs on two nodes with 256 MiB each, 21 apart, as QEMU's by docs/memory.md.
class Machine {
public:
    static Machine& instance() {
        static Machine machine;
        return machine;
    }
    static constexpr std::uint64_t kNodeBytes = 256 * kMiB;

    std::unique_ptr<PhysicalMemory> frames = std::make_unique<PhysicalMemory>(false);

private:
    Machine() {
        constexpr std::uint64_t kBytes = 2 * kNodeBytes;
        arch::fake::machine().memory = static_cast<std::byte*>(::mmap(
            nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        arch::fake::machine().memory_size = kBytes;
        BootInformation boot;
        boot.add_range(PhysicalAddress(kMiB), kBytes - kMiB, MemoryRange::Kind::Usable);
        BufferSink<256> diagnostics;
        NumaBuilder numa(boot.numa, diagnostics);
        numa.add_memory(PhysicalAddress(0), kNodeBytes, 0);
        numa.add_memory(PhysicalAddress(kNodeBytes), kNodeBytes, 1);
        numa.finish();
        numa.set_distance(0, 1, 21);
        numa.finish_distances();
        std::vector<NodeId> cpu_nodes;
        for (unsigned cpu = 0; cpu < kCpus; ++cpu)
            cpu_nodes.push_back(cpu % 2);
        frames->initialize(boot, cpu_nodes, diagnostics);
    }
};

// Each thread is a CPU, and works for an owner of its own.
PhysicalMemory& frames_of_cpu(const benchmark::State& state) {
    PhysicalMemory& frames = *Machine::instance().frames;
    arch::fake::set_current_cpu(static_cast<unsigned>(state.thread_index()));
    return frames;
}

// One frame is taken and given back: the cache has it, there is no lock.
void frame_from_cache(benchmark::State& state) {
    PhysicalMemory& frames = frames_of_cpu(state);
    MemoryAccount account;
    for (auto _ : state) {
        const PhysicalAddress frame = frames.allocate(0, {}, account).value();
        benchmark::DoNotOptimize(frame);
        frames.free(frame, 0, account);
    }
    frames.empty_caches();
}
BENCHMARK(frame_from_cache)->Threads(1)->Threads(2)->Threads(4)->Threads(8)->Threads(16);

// As many are taken as two caches hold, and given back: all go through the node, a batch at a time. For one.
void frame_through_node(benchmark::State& state) {
    PhysicalMemory& frames = frames_of_cpu(state);
    MemoryAccount account;
    std::vector<PhysicalAddress> held;
    held.reserve(2 * FrameCache::kCapacity);
    while (state.KeepRunningBatch(2 * FrameCache::kCapacity)) {
        for (std::size_t i = 0; i < 2 * FrameCache::kCapacity; ++i)
            held.push_back(frames.allocate(0, {}, account).value());
        for (const PhysicalAddress frame : held)
            frames.free(frame, 0, account);
        held.clear();
    }
    frames.empty_caches();
}
BENCHMARK(frame_through_node)->Threads(1)->Threads(2)->Threads(4)->Threads(8)->Threads(16);

// 2 MiB from the node, under its lock. More threads than cores wait for each other's turns: the lock is fair,
// and who is next may not be running.
void block_from_node(benchmark::State& state) {
    PhysicalMemory& frames = frames_of_cpu(state);
    MemoryAccount account;
    for (auto _ : state) {
        const PhysicalAddress block = frames.allocate(9, {}, account).value();
        benchmark::DoNotOptimize(block);
        frames.free(block, 9, account);
    }
}
BENCHMARK(block_from_node)->Iterations(50000)->Threads(1)->Threads(2)->Threads(4)->Threads(8)->Threads(16);

// A VM of 64 MiB is given memory by a policy, then accesses it at random from its node. `distance` is the
// mean of the accesses' distances (SLIT), `local` the share of them that are local.
void vm_memory(benchmark::State& state, MemoryPolicy::Kind kind) {
    PhysicalMemory& frames = frames_of_cpu(state);
    constexpr unsigned kOrders[] = {9, 0};
    constexpr std::size_t kBlocks = 64 * kMiB / (kPageSize << 9);
    MemoryPolicy policy;
    policy.kind = kind;
    MemoryAccount account;
    MemorySource source(frames, account, Placement(policy, 0));
    std::vector<MemorySource::Block> blocks;
    for (std::size_t i = 0; i < kBlocks; ++i)
        blocks.push_back(source.allocate_one_of(kOrders).value());
    std::mt19937 random(1);
    std::uint64_t distance = 0, local = 0;
    for (auto _ : state) {
        const PhysicalAddress at = blocks[random() % kBlocks].address;
        const NodeId node = at.value() < Machine::kNodeBytes ? 0 : 1;
        distance += frames.distance(0, node);
        local += node == 0 ? 1 : 0;
    }
    const auto accesses = static_cast<double>(state.iterations());
    state.counters["distance"] = static_cast<double>(distance) / accesses;
    state.counters["local"] = static_cast<double>(local) / accesses;
    for (const MemorySource::Block& block : blocks)
        source.free(block.address, block.order);
    frames.empty_caches();
}
BENCHMARK_CAPTURE(vm_memory, local, MemoryPolicy::Kind::Local);
BENCHMARK_CAPTURE(vm_memory, interleave, MemoryPolicy::Kind::Interleave);

} // namespace

} // namespace ashlar::bench
