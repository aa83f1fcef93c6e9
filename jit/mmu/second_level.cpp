#include "jit/mmu/second_level.h"

namespace ashlar::jit::mmu {

std::size_t SecondLevelTlb::random_way() {
    random_ ^= random_ << 13; // Marsaglia's xorshift: never 0
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_ % kSetWays;
}

// Of an entry that is nobody's any longer, or kSetWays.
std::size_t SecondLevelTlb::outdated_way(std::size_t at) const {
    std::size_t way = 0;
    for (; way < kSetWays; ++way) {
        const std::uint64_t number = (sets_[at].keys[way] & (kPageSize - 1)) >> kLevelBits;
        if ((live_[number / 64] >> number % 64 & 1) == 0)
            break; // kNoKey is one of these
    }
    return way;
}

// Called once for each entry that must go for another, so that Adaptive counts here.
std::size_t SecondLevelTlb::victim(std::size_t at) {
    constexpr std::size_t kLruLeader = 0, kRandomLeader = kDuel / 2;
    const std::uint8_t state = states_[at];
    switch (replacement_) {
    case Replacement::Lru: return SetState::oldest(state);
    case Replacement::TreePlru: return SetState::oldest_by_tree(state);
    case Replacement::Random: return random_way();
    case Replacement::Adaptive: break;
    }
    if (at % kDuel == kLruLeader) {
        lru_misses_ += lru_misses_ != kMostMisses ? 1 : 0;
        return SetState::oldest(state);
    }
    if (at % kDuel == kRandomLeader) {
        lru_misses_ -= lru_misses_ != 0 ? 1 : 0;
        return random_way();
    }
    return lru_misses_ > kMostMisses / 2 ? random_way() : SetState::oldest(state);
}

bool SecondLevelTlb::contains(std::uint64_t address, const OwnerKeys& keys) const {
    for (unsigned levels = keys.levels; levels != 0; levels &= levels - 1) {
        const auto level = static_cast<unsigned>(std::countr_zero(levels));
        const std::uint64_t page = page_key(address, level);
        for (const std::uint64_t key : sets_[index(address, level)].keys)
            if ((key ^ page) == keys.local || (key ^ page) == keys.global)
                return true;
    }
    return false;
}

void SecondLevelTlb::insert(std::uint64_t address, std::uint64_t physical, unsigned level, Denials denies,
                            std::size_t owner, bool prefetched) {
    const std::size_t at = index(address, level);
    const std::size_t outdated = outdated_way(at);
    const std::size_t way = outdated != kSetWays ? outdated : victim(at);
    evictions_ += outdated == kSetWays ? 1 : 0;
    sets_[at].keys[way] = page_key(address, level) | numbers_[owner];
    sets_[at].values[way] = (physical - address) | denies | kPresent | (prefetched ? kPrefetched : 0);
    states_[at] = kSetState.used(states_[at], way);
    levels_[owner] |= 1u << level;
}

void SecondLevelTlb::flush_all() {
    Set empty;
    empty.keys.fill(kNoKey);
    empty.values.fill(0);
    sets_.fill(empty);
    levels_.fill(0);
    live_.fill(0);
    next_number_ = kFirstNumber;
    for (std::uint64_t& number : numbers_)
        number = new_number();
}

std::uint64_t SecondLevelTlb::new_number() {
    live_[next_number_ / 64] |= std::uint64_t{1} << next_number_ % 64;
    return next_number_++ << kLevelBits;
}

void SecondLevelTlb::flush(std::size_t owner) {
    if (levels_[owner] == 0)
        return;
    if (next_number_ == kNumbers)
        return flush_all();
    levels_[owner] = 0;
    const std::uint64_t old = numbers_[owner] >> kLevelBits;
    live_[old / 64] &= ~(std::uint64_t{1} << old % 64);
    numbers_[owner] = new_number();
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
            states_[at] = kSetState.forgotten(states_[at], way);
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
            const std::uint64_t key = sets_[at].keys[way], level = key & kLevelMask;
            if (level >= kLevels)
                continue; // none
            const std::uint64_t first = (key & ~std::uint64_t{kPageSize - 1}) +
                                        (sets_[at].values[way] & ~std::uint64_t{kPageSize - 1});
            if (page.value() - first < page_size(static_cast<unsigned>(level)))
                drop_key(at, key);
        }
}

} // namespace ashlar::jit::mmu
