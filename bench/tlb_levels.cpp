// Accesses of a hart by where the software TLB finds their page: nowhere (a walk through the guest's three
// levels of tables), in its second level, in the first; and how width and alignment matter then.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <vector>

#include "jit/frontend/riscv64/page_table.h"
#include "jit/mmu/mmu.h"

namespace ashlar::bench {

namespace {

using namespace jit;

constexpr std::uint64_t kBase = 0x8000'0000, kBytes = 64 << 20, kPages = kBytes >> kPageShift;
constexpr std::uint64_t kData = 1 << 20; // behind the tables

// Sv39 with 4 KiB pages, in guest memory; what EngineHart does where nothing is unusual.
class GuestTables final : public mmu::Translator {
public:
    explicit GuestTables(GuestMemory& memory) : memory_(memory) {
        namespace pte = riscv64::pte;
        constexpr std::uint64_t kLeaf =
            pte::kValid | pte::kRead | pte::kWrite | pte::kAccessed | pte::kDirty | pte::kGlobal;
        const auto entry = [](std::uint64_t address, std::uint64_t bits) {
            return address >> kPageShift << 10 | bits;
        };
        const auto put = [&](std::uint64_t table, std::uint64_t index, std::uint64_t value) {
            store_le(memory.host(GuestPhysicalAddress(table + 8 * index)), value);
        };
        constexpr std::uint64_t kDirectory = kBase + kPageSize, kFirstTable = kBase + 2 * kPageSize;
        put(kBase, kBase >> 30, entry(kDirectory, pte::kValid));
        for (std::uint64_t page = 0; page < kPages; ++page) {
            const std::uint64_t table = kFirstTable + (page >> 9) * kPageSize;
            put(kDirectory, page >> 9, entry(table, pte::kValid));
            put(table, page & 511, entry(kBase + (page << kPageShift), kLeaf));
        }
    }
    bool translate(std::uint64_t address, unsigned, mmu::Access access, mmu::Mapping& mapping,
                   mmu::Fault& fault) override {
        const mmu::Denials kind = access == mmu::Access::Load ? mmu::denies::kLoads : mmu::denies::kStores;
        const riscv64::PlainLeaf leaf =
            riscv64::walk_plainly(memory_, kBase >> kPageShift, address, kind | mmu::denies::kSupervisor);
        fault = {13, address};
        const std::uint64_t offset = address & (kPageSize - 1);
        mapping = {GuestPhysicalAddress(riscv64::pte::physical_page(leaf.entry) << kPageShift | offset),
                   {leaf.level, leaf.global},
                   riscv64::denials_of_leaf(leaf.entry, false)};
        return leaf.entry != 0;
    }
    bool look_up(std::uint64_t address, mmu::Access access, mmu::Mapping& mapping) override {
        mmu::Fault fault;
        return translate(address, 1, access, mapping, fault);
    }
    void fetches_by(std::uint64_t, const mmu::Mapping&) override {}
    std::uint64_t access_fault(mmu::Access) const override { return 5; }
    std::uint64_t misaligned_fault(mmu::Access) const override { return 4; }

private:
    GuestMemory& memory_;
};

// Made once: repetitions of a benchmark begin with warm memory.
struct Ram {
    std::vector<std::byte> bytes = std::vector<std::byte>(kBytes);
    std::vector<std::uint8_t> code_pages = std::vector<std::uint8_t>(kPages);
    GuestMemory memory{GuestPhysicalAddress(kBase), bytes, code_pages.data()};
    GuestTables tables{memory};
};

struct Hart {
    static Ram& ram() {
        static Ram instance;
        return instance;
    }
    GuestMemory& memory = ram().memory;
    GuestTables& tables = ram().tables;
    Bus bus;
    std::unique_ptr<mmu::Mmu> mmu = std::make_unique<mmu::Mmu>(memory, bus, tables);

    Hart() { mmu->select({0, 0, 0, mmu::denies::kSupervisor}, {0, 0, 0, mmu::denies::kSupervisor}); }
    // As handlers and host code do it: a look inline, then the MMU.
    template <class T>
    std::uint64_t read(std::uint64_t address) {
        const mmu::Tlb& tlb = mmu->data();
        std::uint64_t value = 0;
        if (!tlb.hits(mmu::kLoads, address, sizeof(T))) [[unlikely]] {
            mmu->load(address, sizeof(T), value);
            return value;
        }
        T loaded;
        std::memcpy(&loaded, reinterpret_cast<const std::byte*>(address + tlb.addend(address)),
                    sizeof loaded);
        return loaded;
    }
};

// Reads a word of each of so many pages in turn, `each_set` for each of 64 places of the first level, and
// sets of the second.
void read_pages(benchmark::State& state, std::uint64_t each_set) {
    Hart hart;
    static_assert(mmu::Tlb::kEntries == mmu::SecondLevelTlb::kSets);
    std::vector<std::uint64_t> addresses;
    for (std::uint64_t i = 0; i < 64 * each_set; ++i) {
        const std::uint64_t page = i % 64 + i / 64 * mmu::Tlb::kEntries;
        addresses.push_back(kBase + kData + (page << kPageShift) + 64 * (i % 64));
    }
    for (int round = 0; round < 3; ++round)
        for (const std::uint64_t at : addresses)
            benchmark::DoNotOptimize(hart.read<std::uint64_t>(at));
    const mmu::TlbCounts before = hart.mmu->counts();
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(hart.read<std::uint64_t>(addresses[next]));
        next = next + 1 == addresses.size() ? 0 : next + 1;
    }
    const mmu::TlbCounts after = hart.mmu->counts();
    const auto each = [&](std::uint64_t count) {
        return static_cast<double>(count) / static_cast<double>(state.iterations());
    };
    state.counters["misses"] = each(after.misses - before.misses);
    state.counters["walks"] = each(after.walks - before.walks);
}

// All in the first level.
void read_in_first_level(benchmark::State& state) {
    read_pages(state, 1);
}
// The first level misses always, the second never.
void read_in_second_level(benchmark::State& state) {
    read_pages(state, 2);
}
// More than the sets of the second level have room for: each read walks.
void read_with_walk(benchmark::State& state) {
    read_pages(state, 2 * mmu::kSetWays);
}
BENCHMARK(read_in_first_level);
BENCHMARK(read_in_second_level);
BENCHMARK(read_with_walk);

// The walk alone, through tables in the host's caches.
void walk_three_levels(benchmark::State& state) {
    Hart hart;
    std::uint64_t page = 0;
    mmu::Mapping mapping;
    mmu::Fault fault;
    for (auto _ : state) {
        page = (page + 1) % 4096;
        benchmark::DoNotOptimize(
            hart.tables.translate(kBase + (page << kPageShift), 8, mmu::Access::Load, mapping, fault));
        benchmark::DoNotOptimize(mapping);
    }
}
BENCHMARK(walk_three_levels);

// A look into the first level alone.
void look_in_first_level(benchmark::State& state) {
    Hart hart;
    for (std::uint64_t page = 0; page < 64; ++page)
        hart.read<std::uint64_t>(kBase + kData + (page << kPageShift));
    const mmu::Tlb& tlb = hart.mmu->data();
    std::uint64_t at = 0;
    for (auto _ : state) {
        at = (at + kPageSize + 64) & ((64 << kPageShift) - 1);
        benchmark::DoNotOptimize(tlb.hits(mmu::kLoads, kBase + kData + (at & ~std::uint64_t{7}), 8));
    }
}
BENCHMARK(look_in_first_level);

// And into the second, which the first has missed.
void look_in_second_level(benchmark::State& state) {
    const auto second = std::make_unique<mmu::SecondLevelTlb>();
    for (std::uint64_t page = 0; page < 1024; ++page)
        second->insert(kBase + (page << kPageShift), kBase + (page << kPageShift), 0, 0, 0);
    const mmu::OwnerKeys keys = second->keys(0);
    std::uint64_t page = 0;
    for (auto _ : state) {
        page = (page + 7) & 1023;
        benchmark::DoNotOptimize(second->find(kBase + (page << kPageShift), keys));
    }
}
BENCHMARK(look_in_second_level);

enum class Place { Aligned, Unaligned, AcrossPages };

// Hits of the first level, but for what lies across pages, which it never has.
template <class T, Place place>
void guest_read(benchmark::State& state) {
    Hart hart;
    constexpr std::uint64_t kSpan = 64 << kPageShift;
    constexpr std::uint64_t kStep = place == Place::AcrossPages ? kPageSize : 64 + 8;
    constexpr std::uint64_t kOffset = place == Place::Aligned     ? 0
                                      : place == Place::Unaligned ? 1
                                                                  : kPageSize - sizeof(T) / 2;
    for (std::uint64_t at = 0; at <= kSpan; at += kPageSize)
        hart.read<std::uint64_t>(kBase + kData + at);
    std::uint64_t at = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(hart.read<T>(kBase + kData + at + kOffset));
        at = (at + kStep) & (kSpan - 1);
    }
}
BENCHMARK(guest_read<std::uint8_t, Place::Aligned>)->Name("guest_read/1/aligned");
BENCHMARK(guest_read<std::uint16_t, Place::Aligned>)->Name("guest_read/2/aligned");
BENCHMARK(guest_read<std::uint32_t, Place::Aligned>)->Name("guest_read/4/aligned");
BENCHMARK(guest_read<std::uint64_t, Place::Aligned>)->Name("guest_read/8/aligned");
BENCHMARK(guest_read<std::uint16_t, Place::Unaligned>)->Name("guest_read/2/unaligned");
BENCHMARK(guest_read<std::uint32_t, Place::Unaligned>)->Name("guest_read/4/unaligned");
BENCHMARK(guest_read<std::uint64_t, Place::Unaligned>)->Name("guest_read/8/unaligned");
BENCHMARK(guest_read<std::uint16_t, Place::AcrossPages>)->Name("guest_read/2/across_pages");
BENCHMARK(guest_read<std::uint32_t, Place::AcrossPages>)->Name("guest_read/4/across_pages");
BENCHMARK(guest_read<std::uint64_t, Place::AcrossPages>)->Name("guest_read/8/across_pages");

} // namespace

} // namespace ashlar::bench
