// Checked access to guest-physical memory, and guest-virtual access through the software TLB.
#include "jit/guest_memory.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "jit/mmu/mmu.h"

namespace ashlar::bench {

namespace {

using namespace jit;

constexpr std::uint64_t kBase = 0x8000'0000, kBytes = 4 << 20;

// Everything is mapped to itself, writable.
class Identity final : public mmu::Translator {
public:
    bool translate(std::uint64_t address, unsigned, mmu::Access, mmu::Mapping& mapping,
                   mmu::Fault&) override {
        mapping = {GuestPhysicalAddress(address), {}};
        return true;
    }
    bool look_up(std::uint64_t address, mmu::Access access, mmu::Mapping& mapping) override {
        mmu::Fault fault;
        return translate(address, 1, access, mapping, fault);
    }
    void fetches_by(std::uint64_t, const mmu::Mapping&) override {}
    std::uint64_t access_fault(mmu::Access) const override { return 5; }
    std::uint64_t misaligned_fault(mmu::Access) const override { return 4; }
};

struct Memory {
    std::vector<std::byte> bytes = std::vector<std::byte>(kBytes);
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kBytes >> kPageShift);
    GuestMemory memory{GuestPhysicalAddress(kBase), bytes, code_pages.data()};
    Bus bus;
    Identity identity;
    std::unique_ptr<mmu::Mmu> mmu = std::make_unique<mmu::Mmu>(memory, bus, identity);
};

// Aligned addresses that walk over `span` bytes, a power of two, touching another cache line each time.
class Walk {
public:
    Walk(std::uint64_t span, std::uint64_t width) : mask_(span - 1), step_(64 + width) {}
    std::uint64_t next() {
        at_ = (at_ + step_) & mask_;
        return kBase + at_;
    }

private:
    std::uint64_t mask_, step_, at_ = 0;
};

template <class T>
void physical_read(benchmark::State& state) {
    Memory m;
    Walk walk(64 << 10, sizeof(T));
    for (auto _ : state)
        benchmark::DoNotOptimize(m.memory.load<T>(GuestPhysicalAddress(walk.next())).value());
}
template <class T>
void physical_write(benchmark::State& state) {
    Memory m;
    Walk walk(64 << 10, sizeof(T));
    T value = 1;
    for (auto _ : state)
        benchmark::DoNotOptimize(m.memory.store<T>(GuestPhysicalAddress(walk.next()), value++).ok());
}
BENCHMARK(physical_read<std::uint8_t>);
BENCHMARK(physical_read<std::uint16_t>);
BENCHMARK(physical_read<std::uint32_t>);
BENCHMARK(physical_read<std::uint64_t>);
BENCHMARK(physical_write<std::uint8_t>);
BENCHMARK(physical_write<std::uint16_t>);
BENCHMARK(physical_write<std::uint32_t>);
BENCHMARK(physical_write<std::uint64_t>);

// A read past the end is an error value, as fast as a good one.
void read_past_the_end(benchmark::State& state) {
    Memory m;
    for (auto _ : state) {
        const Result<std::uint64_t> value =
            m.memory.load<std::uint64_t>(GuestPhysicalAddress(kBase + kBytes - 4));
        if (value.ok())
            return state.SkipWithError("read past the end of guest memory");
        benchmark::DoNotOptimize(value.error());
    }
}
BENCHMARK(read_past_the_end);

// As the interpreter does it: probe, and only on a miss ask the MMU.
template <class T>
bool read_virtual(Memory& m, std::uint64_t address, std::uint64_t& value) {
    const mmu::Tlb& tlb = m.mmu->data();
    if (!tlb.hits(mmu::kLoads, address, sizeof(T)))
        return m.mmu->load(address, sizeof(T), value);
    T loaded;
    std::memcpy(&loaded, reinterpret_cast<const std::byte*>(address + tlb.addend(address)), sizeof loaded);
    value = loaded;
    return true;
}
template <class T>
bool write_virtual(Memory& m, std::uint64_t address, T value) {
    const mmu::Tlb& tlb = m.mmu->data();
    if (!tlb.hits(mmu::kStores, address, sizeof(T)))
        return m.mmu->store(address, sizeof(T), value);
    std::memcpy(reinterpret_cast<std::byte*>(address + tlb.addend(address)), &value, sizeof value);
    return true;
}

template <class T>
void virtual_read(benchmark::State& state) {
    Memory m;
    Walk walk(64 << 10, sizeof(T));
    std::uint64_t value = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(read_virtual<T>(m, walk.next(), value));
        benchmark::DoNotOptimize(value);
    }
}
template <class T>
void virtual_write(benchmark::State& state) {
    Memory m;
    Walk walk(64 << 10, sizeof(T));
    T value = 1;
    for (auto _ : state)
        benchmark::DoNotOptimize(write_virtual(m, walk.next(), value++));
}
BENCHMARK(virtual_read<std::uint8_t>);
BENCHMARK(virtual_read<std::uint16_t>);
BENCHMARK(virtual_read<std::uint32_t>);
BENCHMARK(virtual_read<std::uint64_t>);
BENCHMARK(virtual_write<std::uint8_t>);
BENCHMARK(virtual_write<std::uint16_t>);
BENCHMARK(virtual_write<std::uint32_t>);
BENCHMARK(virtual_write<std::uint64_t>);

// What an access costs that misses the TLB, without the guest's page walk.
void virtual_read_slow_path(benchmark::State& state) {
    Memory m;
    Walk walk(64 << 10, 8);
    std::uint64_t value = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(m.mmu->load(walk.next(), 8, value));
}
BENCHMARK(virtual_read_slow_path);

} // namespace

} // namespace ashlar::bench
