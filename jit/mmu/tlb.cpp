#include "jit/mmu/tlb.h"

#include <algorithm>
#include <bit>

namespace ashlar::jit::mmu {

template <std::size_t Entries>
void DirectMappedTlb<Entries>::insert(std::uint64_t address, const TlbEntry& entry, const PageKind& kind) {
    const std::size_t at = index(address);
    const std::uint64_t bit = std::uint64_t{1} << at % 64;
    entries_[at] = entry;
    if (filled_count_ < kFew)
        filled_[filled_count_] = static_cast<std::uint16_t>(at);
    if (filled_count_ <= kFew)
        ++filled_count_;
    local_[at / 64] = kind.global ? local_[at / 64] & ~bit : local_[at / 64] | bit;
    if (kind.level != 0)
        note_superpage(address & ~(page_size(kind.level) - 1), address | (page_size(kind.level) - 1));
}

// More than there is room for share the last place, whose bounds then take in what lies between them.
template <std::size_t Entries>
void DirectMappedTlb<Entries>::note_superpage(std::uint64_t first, std::uint64_t last) {
    for (std::size_t i = 0; i < superpage_count_; ++i)
        if (superpages_[i].first <= first && last <= superpages_[i].last)
            return;
    if (superpage_count_ < kSuperpages) {
        superpages_[superpage_count_++] = {first, last};
        return;
    }
    Superpage& shared = superpages_[kSuperpages - 1];
    shared = {std::min(shared.first, first), std::max(shared.last, last)};
}

template <std::size_t Entries>
void DirectMappedTlb<Entries>::flush_all() {
    if (filled_count_ > kFew)
        entries_.fill(TlbEntry{});
    for (std::size_t i = 0; i < filled_count_ && filled_count_ <= kFew; ++i)
        entries_[filled_[i]] = TlbEntry{};
    if (filled_count_ != 0)
        local_.fill(0);
    filled_count_ = 0;
    superpage_count_ = 0;
}

template <std::size_t Entries>
void DirectMappedTlb<Entries>::flush_local() {
    for (std::size_t word = 0; word < local_.size(); ++word) {
        for (std::uint64_t left = local_[word]; left != 0; left &= left - 1)
            entries_[64 * word + static_cast<std::size_t>(std::countr_zero(left))] = TlbEntry{};
        local_[word] = 0;
    }
}

template <std::size_t Entries>
void DirectMappedTlb<Entries>::flush(std::uint64_t address, std::uint64_t size) {
    if (size == 0 || filled_count_ == 0)
        return;
    const std::uint64_t last = address + (size - 1);
    if (last < address || size >= kEntries * kPageSize)
        return flush_all();
    for (std::size_t i = 0; i < superpage_count_;) {
        const Superpage superpage = superpages_[i];
        if (last < superpage.first || superpage.last < address) {
            ++i;
            continue;
        }
        drop(superpage.first, superpage.last);
        superpages_[i] = superpages_[--superpage_count_];
    }
    for (std::uint64_t page = address >> kPageShift; page <= last >> kPageShift; ++page) {
        TlbEntry& entry = entries_[page & (kEntries - 1)];
        const std::uint64_t tag = page << kPageShift;
        if (entry.read == tag || entry.write == tag || entry.execute == tag)
            entry = TlbEntry{};
    }
}

template <std::size_t Entries>
void DirectMappedTlb<Entries>::drop(std::uint64_t first, std::uint64_t last) {
    for (TlbEntry& entry : entries_)
        for (const std::uint64_t tag : {entry.read, entry.write, entry.execute})
            if (tag != TlbEntry::kNoTag && first <= tag && tag <= last) {
                entry = TlbEntry{};
                break;
            }
}

template <std::size_t Entries>
void DirectMappedTlb<Entries>::flush_host_page(std::uint64_t host_page) {
    for (TlbEntry& entry : entries_)
        for (const std::uint64_t tag : {entry.read, entry.write, entry.execute})
            if (tag != TlbEntry::kNoTag && tag + entry.addend == host_page) {
                entry = TlbEntry{};
                break;
            }
}

template <std::size_t Entries>
void DirectMappedTlb<Entries>::forbid_writes(std::uint64_t host_page) {
    if (filled_count_ == 0)
        return;
    for (TlbEntry& entry : entries_)
        if (entry.write != TlbEntry::kNoTag && entry.write + entry.addend == host_page)
            entry.write = TlbEntry::kNoTag;
}

template class DirectMappedTlb<Tlb::kEntries>;
template class DirectMappedTlb<FetchTlb::kEntries>;

} // namespace ashlar::jit::mmu
