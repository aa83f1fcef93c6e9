#include "jit/mmu/tlb.h"

#include <algorithm>
#include <bit>

namespace ashlar::jit::mmu {

template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::insert(std::uint64_t address, unsigned kinds, std::uint64_t addend,
                                             const PageKind& kind) {
    const std::size_t at = index(address);
    const std::uint64_t bit = std::uint64_t{1} << at % 64;
    for (std::size_t of = 0; of < Kinds; ++of)
        table_.tags[of][at] = (kinds >> of & 1) != 0 ? tag_of(address, 1) : no_tag(at);
    table_.addends[at] = addend;
    if (filled_count_ < kFew)
        filled_[filled_count_] = static_cast<std::uint16_t>(at);
    if (filled_count_ <= kFew)
        ++filled_count_;
    local_[at / 64] = kind.global ? local_[at / 64] & ~bit : local_[at / 64] | bit;
    if (kind.level != 0)
        note_superpage(address & ~(page_size(kind.level) - 1), address | (page_size(kind.level) - 1));
}

// More than there is room for share the last place, whose bounds then take in what lies between them.
template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::note_superpage(std::uint64_t first, std::uint64_t last) {
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

template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::flush_all() {
    for (std::size_t at = 0; at < kEntries && filled_count_ > kFew; ++at)
        clear(at);
    for (std::size_t i = 0; i < filled_count_ && filled_count_ <= kFew; ++i)
        clear(filled_[i]);
    if (filled_count_ != 0)
        local_.fill(0);
    filled_count_ = 0;
    superpage_count_ = 0;
}

template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::flush_local() {
    for (std::size_t word = 0; word < local_.size(); ++word) {
        for (std::uint64_t left = local_[word]; left != 0; left &= left - 1)
            clear(64 * word + static_cast<std::size_t>(std::countr_zero(left)));
        local_[word] = 0;
    }
}

template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::flush(std::uint64_t address, std::uint64_t size) {
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
        for (std::size_t at = 0; at < kEntries; ++at)
            clear_if(at, [&](std::uint64_t tag) { return superpage.first <= tag && tag <= superpage.last; });
        superpages_[i] = superpages_[--superpage_count_];
    }
    for (std::uint64_t page = address >> kPageShift; page <= last >> kPageShift; ++page)
        clear_if(page & (kEntries - 1), [&](std::uint64_t tag) { return tag == page << kPageShift; });
}

template <std::size_t Entries, std::size_t Kinds>
template <class Condition>
void DirectMappedTlb<Entries, Kinds>::clear_if(std::size_t at, Condition condition) {
    for (const auto& tags : table_.tags)
        if (tags[at] != no_tag(at) && condition(tags[at]))
            return clear(at);
}

template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::flush_host_page(std::uint64_t host_page) {
    for (std::size_t at = 0; at < kEntries; ++at)
        clear_if(at, [&](std::uint64_t tag) { return tag + table_.addends[at] == host_page; });
}

template <std::size_t Entries, std::size_t Kinds>
void DirectMappedTlb<Entries, Kinds>::forbid(std::size_t kind, std::uint64_t host_page) {
    if (filled_count_ == 0)
        return;
    for (std::size_t at = 0; at < kEntries; ++at) {
        std::uint64_t& tag = table_.tags[kind][at];
        if (tag != no_tag(at) && tag + table_.addends[at] == host_page)
            tag = no_tag(at);
    }
}

template class DirectMappedTlb<1024, 2>;
template class DirectMappedTlb<256, 1>;

} // namespace ashlar::jit::mmu
