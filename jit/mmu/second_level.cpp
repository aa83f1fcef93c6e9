#include "jit/mmu/second_level.h"

namespace ashlar::jit::mmu {

void SecondLevelTlb::insert(std::uint64_t address, std::uint64_t physical, unsigned level, Denials denies,
                            std::size_t owner) {
    const std::size_t at = index(address, level);
    const std::size_t way = kRecency.oldest(states_[at]);
    sets_[at].keys[way] = page_key(address, level) | numbers_[owner];
    sets_[at].values[way] = (physical - address) | denies | kPresent;
    states_[at] = kRecency.used(states_[at], way);
    levels_[owner] |= 1u << level;
}

void SecondLevelTlb::flush_all() {
    Set empty;
    empty.keys.fill(kNoKey);
    empty.values.fill(0);
    sets_.fill(empty);
    levels_.fill(0);
    next_number_ = kFirstNumber;
    for (std::uint64_t& number : numbers_)
        number = next_number_++ << kLevelBits;
}

void SecondLevelTlb::flush(std::size_t owner) {
    if (levels_[owner] == 0)
        return;
    if (next_number_ == kNumbers)
        return flush_all();
    levels_[owner] = 0;
    numbers_[owner] = next_number_++ << kLevelBits;
}

void SecondLevelTlb::flush(std::size_t owner, std::uint64_t address, std::uint64_t size) {
    constexpr std::uint64_t kFew = 64; // sets to be searched
    if (size == 0)
        return;
    const std::uint64_t last = address + (size - 1);
    if (last < address || size > kFew * kPageSize)
        return flush(owner);
    for (unsigned levels = levels_[owner]; levels != 0; levels &= levels - 1) {
        const auto level = static_cast<unsigned>(std::countr_zero(levels));
        for (std::uint64_t page = address >> page_shift(level); page <= last >> page_shift(level); ++page)
            drop_key(page & (kSets - 1), page << page_shift(level) | level | numbers_[owner]);
    }
}

// Such an entry is the next to be replaced.
void SecondLevelTlb::drop_key(std::size_t at, std::uint64_t key) {
    for (std::size_t way = 0; way < kSetWays; ++way)
        if (sets_[at].keys[way] == key) {
            sets_[at].keys[way] = kNoKey;
            states_[at] = kRecency.forgotten(states_[at], way);
        }
}

void SecondLevelTlb::drop(std::uint64_t address, const OwnerKeys& keys) {
    for (unsigned level = 0; level < kLevels; ++level)
        for (const std::uint64_t owner : {keys.local, keys.global})
            drop_key(index(address, level), page_key(address, level) | owner);
}

void SecondLevelTlb::flush_physical(GuestPhysicalAddress page) {
    for (std::size_t at = 0; at < kSets; ++at)
        for (std::size_t way = 0; way < kSetWays; ++way) {
            const std::uint64_t key = sets_[at].keys[way], level = key & ((1u << kLevelBits) - 1);
            if (level >= kLevels)
                continue; // none
            const std::uint64_t first = (key & ~std::uint64_t{kPageSize - 1}) +
                                        (sets_[at].values[way] & ~std::uint64_t{kPageSize - 1});
            if (page.value() - first < page_size(static_cast<unsigned>(level)))
                drop_key(at, key);
        }
}

} // namespace ashlar::jit::mmu
