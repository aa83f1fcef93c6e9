// The software TLB: what loads, stores and fetches of one translation context hit without a walk.
#pragma once

#include <array>
#include <cstdint>

#include "lib/address.h"

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
class Tlb {
public:
    static constexpr std::size_t kEntries = 256;

    static constexpr std::size_t index(std::uint64_t address) {
        return address >> kPageShift & (kEntries - 1);
    }
    TlbEntry* entries() { return entries_.data(); }
    TlbEntry& entry(std::uint64_t address) { return entries_[index(address)]; }

    // `page_size` is that of the guest's mapping, for flush().
    void insert(std::uint64_t address, const TlbEntry& entry, std::uint64_t page_size);
    void flush_all();
    // Drops what translates an address in [address, address + size), and everything when that touches a
    // superpage, whose 4 KiB pieces are not tracked one by one: then it returns true.
    bool flush(std::uint64_t address, std::uint64_t size);
    // Makes stores to the host page at `host_page` miss.
    void forbid_writes(std::uint64_t host_page);

private:
    std::array<TlbEntry, kEntries> entries_{};
    bool used_ = false; // since the last flush_all
    // Bounds of the superpages entered since the last flush_all: first and last byte.
    std::uint64_t superpages_first_ = ~std::uint64_t{0};
    std::uint64_t superpages_last_ = 0;
};

} // namespace ashlar::jit::mmu
