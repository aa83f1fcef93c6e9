// The software TLB: what loads, stores and fetches of one translation context hit without a walk.
#pragma once

#include <array>
#include <cstdint>

#include "jit/mmu/page.h"

namespace ashlar::jit::mmu {

// One 4 KiB page. A tag is the page's virtual address when the access may go straight to host memory, else
// kNoTag, which equals no page address: a hit is one compare, and address + addend the host pointer.
struct TlbEntry {
    static constexpr std::uint64_t kNoTag = ~std::uint64_t{0};
    std::uint64_t read = kNoTag;
    std::uint64_t write = kNoTag;
    std::uint64_t execute = kNoTag;
    std::uint64_t addend = 0;
};
static_assert(sizeof(TlbEntry) == 32);

// The tag that an access must find: its last byte's page. An access that crosses into the next page so never
// hits, whatever its alignment.
constexpr std::uint64_t tag_of(std::uint64_t address, unsigned width) {
    return (address + (width - 1)) & ~std::uint64_t{kPageSize - 1};
}

// Direct-mapped. Used by one thread.
template <std::size_t Entries>
class DirectMappedTlb {
public:
    static constexpr std::size_t kEntries = Entries;

    static constexpr std::size_t index(std::uint64_t address) {
        return address >> kPageShift & (kEntries - 1);
    }
    TlbEntry* entries() { return entries_.data(); }
    TlbEntry& entry(std::uint64_t address) { return entries_[index(address)]; }

    void insert(std::uint64_t address, const TlbEntry& entry, const PageKind& kind);
    void flush_all();
    // Drops the entries of pages that are not global.
    void flush_local();
    // Drops what translates an address in [address, address + size), and all pieces of superpages that the
    // range touches.
    void flush(std::uint64_t address, std::uint64_t size);
    // Drops what leads to the host page.
    void flush_host_page(std::uint64_t host_page);
    // Makes stores to the host page at `host_page` miss.
    void forbid_writes(std::uint64_t host_page);

private:
    // First and last byte of superpages that entries are pieces of.
    struct Superpage {
        std::uint64_t first = 0, last = 0;
    };
    static constexpr std::size_t kSuperpages = 8;
    // Entries filled since the last flush_all: where, as long as they are few.
    static constexpr std::size_t kFew = 64;

    void note_superpage(std::uint64_t first, std::uint64_t last);
    void drop(std::uint64_t first, std::uint64_t last);

    std::array<TlbEntry, kEntries> entries_{};
    std::array<std::uint16_t, kFew> filled_{};
    std::size_t filled_count_ = 0; // beyond kFew: more
    std::array<std::uint64_t, kEntries / 64> local_{};
    std::array<Superpage, kSuperpages> superpages_{};
    std::size_t superpage_count_ = 0;
};

// Of loads and stores: so many entries that few of those in use share a place. Host code probes them.
using Tlb = DirectMappedTlb<1024>;
using FetchTlb = DirectMappedTlb<256>;

} // namespace ashlar::jit::mmu
