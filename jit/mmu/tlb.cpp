#include "jit/mmu/tlb.h"

#include <algorithm>

namespace ashlar::jit::mmu {

void Tlb::insert(std::uint64_t address, const TlbEntry& entry, std::uint64_t page_size) {
    entries_[index(address)] = entry;
    used_ = true;
    if (page_size <= kPageSize)
        return;
    const std::uint64_t first = address & ~(page_size - 1);
    superpages_first_ = std::min(superpages_first_, first);
    superpages_last_ = std::max(superpages_last_, first + (page_size - 1));
}

void Tlb::flush_all() {
    if (!used_)
        return;
    used_ = false;
    entries_.fill(TlbEntry{});
    superpages_first_ = ~std::uint64_t{0};
    superpages_last_ = 0;
}

bool Tlb::flush(std::uint64_t address, std::uint64_t size) {
    if (size == 0 || !used_)
        return false;
    const std::uint64_t last = address + (size - 1);
    const bool wraps = last < address;
    const bool superpage = address <= superpages_last_ && last >= superpages_first_;
    if (wraps || superpage || size >= kEntries * kPageSize) {
        flush_all();
        return true;
    }
    for (std::uint64_t page = address >> kPageShift; page <= last >> kPageShift; ++page) {
        TlbEntry& entry = entries_[page & (kEntries - 1)];
        const std::uint64_t tag = page << kPageShift;
        if (entry.read == tag || entry.write == tag || entry.execute == tag)
            entry = TlbEntry{};
    }
    return false;
}

void Tlb::forbid_writes(std::uint64_t host_page) {
    if (!used_)
        return;
    for (TlbEntry& entry : entries_)
        if (entry.write != TlbEntry::kNoTag && entry.write + entry.addend == host_page)
            entry.write = TlbEntry::kNoTag;
}

} // namespace ashlar::jit::mmu
