// The first level of the software TLB: what loads, stores and fetches of one translation context hit without
// a walk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "jit/mmu/page.h"

namespace ashlar::jit::mmu {

// A tag is the page's virtual address when the access may go straight to host memory, else the address of
// some page that belongs elsewhere in the table: a hit is one compare, and address + addend the host pointer.

// The tag that an access must find: its last byte's page. An access that crosses into the next page so never
// hits, whatever its alignment.
constexpr std::uint64_t tag_of(std::uint64_t address, unsigned width) {
    return (address + (width - 1)) & ~std::uint64_t{kPageSize - 1};
}

// Direct-mapped, with tags for several kinds of access. Used by one thread.
template <std::size_t Entries, std::size_t Kinds>
class DirectMappedTlb {
public:
    static constexpr std::size_t kEntries = Entries;
    static constexpr std::size_t index(std::uint64_t address) {
        return address >> kPageShift & (kEntries - 1);
    }
    bool hits(std::size_t kind, std::uint64_t address, unsigned width) const {
        return table_.tags[kind][index(address)] == tag_of(address, width);
    }
    std::uint64_t addend(std::uint64_t address) const { return table_.addends[index(address)]; }

    DirectMappedTlb() { flush_all(); }

    // The page around `address`; `kinds` has a bit for each kind of access that may go straight to the host.
    void insert(std::uint64_t address, unsigned kinds, std::uint64_t addend, const PageKind& kind);
    void flush_all();
    // Drops the entries of pages that are not global.
    void flush_local();
    // Drops what translates an address in [address, address + size), and all pieces of superpages that the
    // range touches.
    void flush(std::uint64_t address, std::uint64_t size);
    // Drops what leads to the host page.
    void flush_host_page(std::uint64_t host_page);
    // Makes accesses of that kind to the host page miss.
    void forbid(std::size_t kind, std::uint64_t host_page);

    // Where host code finds what it needs, from the object's address on: the bits of an address that make its
    // index, and arrays of 64-bit words.
    static constexpr std::size_t kIndexBitsOffset = 0;
    static constexpr std::size_t tags_offset(std::size_t kind) {
        return offsetof(Table, tags) + kind * kEntries * sizeof(std::uint64_t);
    }
    static constexpr std::size_t addends_offset() { return offsetof(Table, addends); }
    // Where it notes what it has entered itself: see insert().
    static std::size_t filled_offset() { return offsetof(DirectMappedTlb, filled_); }
    static std::size_t filled_count_offset() { return offsetof(DirectMappedTlb, filled_count_); }
    static std::size_t local_offset() { return offsetof(DirectMappedTlb, local_); }
    static std::size_t superpages_offset() { return offsetof(DirectMappedTlb, superpages_); }
    static std::size_t superpage_count_offset() { return offsetof(DirectMappedTlb, superpage_count_); }
    // Entries filled since the last flush_all: where, as long as they are few.
    static constexpr std::size_t kFew = 64;

private:
    struct Table {
        std::uint64_t index_bits = (kEntries - 1) << kPageShift;
        alignas(64) std::array<std::array<std::uint64_t, kEntries>, Kinds> tags;
        std::array<std::uint64_t, kEntries> addends{};
    };
    // First and last byte of superpages that entries are pieces of.
    struct Superpage {
        std::uint64_t first = 0, last = 0;
    };
    static constexpr std::size_t kSuperpages = 8;

    void note_superpage(std::uint64_t first, std::uint64_t last);
    static constexpr std::uint64_t no_tag(std::size_t at) { return ~(std::uint64_t{at} << kPageShift); }
    void clear(std::size_t at) {
        for (auto& tags : table_.tags)
            tags[at] = no_tag(at);
    }
    // If one of the entry's tags meets the condition.
    template <class Condition>
    void clear_if(std::size_t at, Condition condition);

    Table table_; // first: see above
    std::array<std::uint16_t, kFew> filled_{};
    std::size_t filled_count_ = kFew + 1; // beyond kFew: more
    std::array<std::uint64_t, kEntries / 64> local_{};
    std::array<Superpage, kSuperpages> superpages_{};
    std::size_t superpage_count_ = 0;
};

// Of loads and stores. Host code looks into it.
using Tlb = DirectMappedTlb<1024, 2>;
constexpr std::size_t kLoads = 0, kStores = 1; // kinds
using FetchTlb = DirectMappedTlb<256, 1>;
constexpr std::size_t kFetches = 0;

} // namespace ashlar::jit::mmu
