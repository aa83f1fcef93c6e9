#include "jit/fetched_pages.h"

namespace ashlar::jit {

void FetchedPages::add(std::uint64_t address, std::uint64_t physical, std::uint64_t size) {
    const Leaf leaf{address & ~(size - 1), physical & ~(size - 1), size};
    if (count_ != 0 && leaves_[latest_] == leaf)
        return;
    const bool superpage = size > kPageSize;
    std::uint64_t& hashed = pages_[word(address)];
    const bool maybe_known = superpages_ || superpage || (hashed & mask(address)) != 0;
    for (std::size_t i = 0; maybe_known && i < count_; ++i)
        if (leaves_[i].contains(address)) {
            latest_ = i;
            complete_ = complete_ && leaves_[i] == leaf;
            return;
        }
    if (!superpage)
        hashed |= mask(address);
    if (count_ == kLeaves) {
        complete_ = false;
        unknown_superpages_ = unknown_superpages_ || superpage;
        return;
    }
    superpages_ = superpages_ || superpage;
    latest_ = count_++;
    leaves_[latest_] = leaf;
}

bool FetchedPages::overlap(std::uint64_t first, std::uint64_t last) const {
    if (unknown_superpages_ || last < first || last - first >= kHashes * kPageSize)
        return true;
    for (std::size_t i = 0; superpages_ && i < count_; ++i)
        if (leaves_[i].size > kPageSize && leaves_[i].address <= last &&
            first <= leaves_[i].address + (leaves_[i].size - 1))
            return true;
    const std::uint64_t pages = (last >> kPageShift) - (first >> kPageShift) + 1;
    for (std::uint64_t i = 0; i < pages; ++i)
        if (const std::uint64_t page = first + i * kPageSize; (pages_[word(page)] & mask(page)) != 0)
            return true;
    return false;
}

void FetchedPages::clear() {
    pages_.fill(0);
    count_ = latest_ = 0;
    complete_ = true;
    superpages_ = unknown_superpages_ = false;
}

} // namespace ashlar::jit
