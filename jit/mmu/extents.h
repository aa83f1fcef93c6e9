// Extents: stretches of guest-virtual memory, often far longer than a page, that one addend translates. Host
// code that has compared an address with an extent's bounds needs no look into the TLB; the bounds stay where
// they are while the addresses change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/address.h"

namespace ashlar::jit::mmu {

// Consecutive pages of RAM that loads (or, with `writes`, loads and stores) may go straight to.
struct Run {
    std::uint64_t start = 0, size = 0; // guest-virtual, multiples of the page size
    std::uint64_t addend = 0;          // turns its addresses into host addresses
    std::uint64_t largest_leaf = 0;    // of the guest's page table in it
    bool writes = false;
    bool global = false; // all of it is the same in every address space

    constexpr std::uint64_t end() const { return start + size; }
    bool contains(std::uint64_t address) const { return address - start < size; }
    bool contains(std::uint64_t address, std::uint64_t length) const {
        return contains(address) && length <= size - (address - start);
    }
};

// Of one translation context. Host code reads the slots; each place that checks addresses has one assigned.
// Extents with the same addend share a number: the slot with that number is for loads, the one kFirstToWrite
// behind it for loads and stores. Used by one thread.
class Extents {
public:
    static constexpr std::size_t kNumbers = 8, kFirstToWrite = kNumbers, kSlots = 2 * kNumbers;
    // How many bytes from an address on the bounds vouch for: `near` and `end`, or `far`.
    static constexpr std::uint64_t kNear = 256, kFar = 16384;

    // An empty slot's bounds admit no address.
    struct alignas(64) Slot {
        std::uint64_t start = 0;
        std::uint64_t near = 0, far = 0; // address - start must be below
        std::uint64_t end = 0;           // address must be below, and known not to lie before start
        std::uint64_t addend = 0;        // of the number, in the slot for loads
        std::uint64_t host = 0;          // of start
    };

    const Slot& slot(std::size_t index) const { return slots_[index]; }
    static constexpr bool is_to_write(std::size_t index) { return index >= kFirstToWrite; }
    bool is_empty(std::size_t index) const { return slots_[index].near == 0; }
    std::uint64_t addend(std::size_t number) const { return slots_[number].addend; }
    // Puts the run, one that find() knows, into the slot of the number that is for its kind of access.
    void set(std::size_t number, const Run& run);
    // The number of extents with that addend; else one that is free, `preferred` if it is; else one whose
    // extent must go.
    std::size_t number_for(std::uint64_t addend, std::size_t preferred);

    // The run that contains `address`, or nullptr.
    const Run* find(std::uint64_t address, bool writes) const;
    // Takes the place of all runs of its kind that it overlaps.
    void add(const Run& run);

    // What may be in a run when it is looked for: as TLB entries, see DirectMappedTlb.
    void flush_all();
    void flush_local();
    void flush(std::uint64_t address, std::uint64_t size);
    void flush_host_page(std::uint64_t host_page);
    void forbid_writes(std::uint64_t host_page);

    static constexpr std::size_t kSlotsOffset = 0;

    // Leaves of the page table that the next run may be looked for in each way: more after each run for which
    // they were not enough, few after a flush.
    unsigned effort() const { return effort_; }
    void raise_effort() { effort_ = effort_ < kMostEffort ? effort_ * 2 : kMostEffort; }

private:
    static constexpr std::size_t kRuns = 16;
    static constexpr unsigned kLeastEffort = 32, kMostEffort = 256;

    template <class Gone>
    void drop(Gone gone);
    void clear_orphans();

    std::array<Slot, kSlots> slots_{}; // first: host code reads them
    std::array<Run, kRuns> runs_{};
    std::size_t run_count_ = 0, oldest_ = 0, next_number_ = 0;
    unsigned effort_ = kLeastEffort;
};

} // namespace ashlar::jit::mmu
