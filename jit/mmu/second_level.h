// The second level of the software TLB: what all translation contexts of a hart have translated lately.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "jit/mmu/page.h"
#include "jit/mmu/replacement.h"

namespace ashlar::jit::mmu {

// Whose entries a look-up may find: those of one address space, and global ones. As they are, nobody's.
struct OwnerKeys {
    std::uint64_t local = 0, global = 0;
    unsigned levels = 0; // a bit for each at which there may be entries
};

// 4096 entries in sets of four. One entry is a whole leaf, whatever its size. Owners are address spaces, the
// one that stands for all of them, and one that has nothing to do with them. Used by one thread.
class SecondLevelTlb {
public:
    static constexpr std::size_t kSets = 1024;
    static constexpr std::size_t kSetBytes = 64, kValuesOffset = kSetWays * sizeof(std::uint64_t);
    static constexpr std::size_t kOwners = 6, kGlobal = kOwners - 2, kAlone = kOwners - 1;

    struct Entry {
        std::uint64_t value = 0;
        unsigned level = 0;
        bool global = false;

        explicit operator bool() const { return value != 0; }
        Denials denies() const { return static_cast<Denials>(value) & (kPrefetched - 1); }
        std::uint64_t physical(std::uint64_t address) const {
            return address + (value & ~std::uint64_t{kPageSize - 1});
        }
    };

    explicit SecondLevelTlb(Replacement replacement = Replacement::Lru) : replacement_(replacement) {
        flush_all();
    }

    OwnerKeys keys(std::size_t owner) const {
        const std::size_t other = owner == kAlone ? kAlone : kGlobal;
        return {numbers_[owner], numbers_[other], levels_[owner] | levels_[other]};
    }
    // What translates `address`, or an entry that is false.
    Entry find(std::uint64_t address, const OwnerKeys& keys) {
        for (unsigned levels = keys.levels; levels != 0; levels &= levels - 1) {
            const auto level = static_cast<unsigned>(std::countr_zero(levels));
            const std::size_t at = index(address, level);
            const std::uint64_t page = page_key(address, level);
            for (std::size_t way = 0; way < kSetWays; ++way) {
                const std::uint64_t owner = sets_[at].keys[way] ^ page;
                if (owner != keys.local && owner != keys.global)
                    continue;
                states_[at] = kSetState.used(states_[at], way);
                std::uint64_t& value = sets_[at].values[way];
                if ((value & kPrefetched) != 0) [[unlikely]] {
                    value &= ~kPrefetched;
                    ++useful_prefetches_;
                }
                return {value, level, owner == keys.global};
            }
        }
        return {};
    }
    // Whether find() would find something; nothing is used by that.
    bool contains(std::uint64_t address, const OwnerKeys& keys) const;
    // The leaf of that level around `address` belongs to `owner`, and is not here yet. `physical` is where
    // the address goes to. May change what keys() says.
    void insert(std::uint64_t address, std::uint64_t physical, unsigned level, Denials denies,
                std::size_t owner, bool prefetched = false);

    // Makes find() find nothing.
    void drop(std::uint64_t address, const OwnerKeys& keys);
    void flush_all();
    // All that an owner has: takes no longer than for one entry. Changes what keys() says.
    void flush(std::size_t owner);
    // What an owner has that translates an address in [address, address + size).
    void flush(std::size_t owner, std::uint64_t address, std::uint64_t size);
    // What leads to the guest-physical page, whosever it is.
    void flush_physical(GuestPhysicalAddress page);

    // For host code: sets, their states, and the bit of a value that is cleared on the first use. The
    // replacement policy hears of uses by states alone.
    const void* sets() const { return sets_.data(); }
    std::uint8_t* states() { return states_.data(); }
    static constexpr std::uint32_t kPrefetchedBit = 1u << 10;

    // Entries that had to go for others.
    std::uint64_t evictions() const { return evictions_; }
    // Entries that came before they were asked for, and then were.
    std::uint64_t useful_prefetches() const { return useful_prefetches_; }

private:
    // A key is the leaf's first address, with the level and the owner's number in the bits below; a value
    // where that goes to, as a distance, with what the leaf denies in the bits below.
    struct alignas(64) Set {
        std::array<std::uint64_t, kSetWays> keys, values;
    };
    static_assert(sizeof(Set) == kSetBytes && offsetof(Set, values) == kValuesOffset);
    static constexpr std::uint64_t kNoKey = ~std::uint64_t{0}, kPresent = std::uint64_t{1} << 11,
                                   kPrefetched = kPrefetchedBit;
    static constexpr unsigned kLevelBits = 2;
    static constexpr std::uint64_t kLevelMask = (1u << kLevelBits) - 1;
    // Numbers of owners. One that an owner has given up is not used again until there are no others left.
    static constexpr std::uint64_t kFirstNumber = 1, kNumbers = (kPageSize >> kLevelBits) - 1;

    static std::size_t index(std::uint64_t address, unsigned level) {
        return address >> page_shift(level) & (kSets - 1);
    }
    static std::uint64_t page_key(std::uint64_t address, unsigned level) {
        return (address & ~(page_size(level) - 1)) | level;
    }
    std::uint64_t new_number();
    std::size_t outdated_way(std::size_t at) const;
    std::size_t victim(std::size_t at);
    std::size_t random_way();
    void drop_key(std::size_t at, std::uint64_t key);

    std::array<Set, kSets> sets_;
    std::array<std::uint8_t, kSets> states_{};
    std::array<std::uint64_t, kOwners> numbers_{}; // shifted to where keys have them
    std::array<unsigned, kOwners> levels_{};       // a bit for each at which the owner may have entries
    std::array<std::uint64_t, (kNumbers + 64) / 64> live_{}; // a bit for each of them
    std::uint64_t next_number_ = kFirstNumber;
    Replacement replacement_;
    // Adaptive: above the middle Lru misses more than Random does. Each has one set in so many to itself.
    static constexpr std::size_t kDuel = 32;
    static constexpr unsigned kMostMisses = 1023;
    unsigned lru_misses_ = kMostMisses / 2;
    std::uint32_t random_ = 1;
    std::uint64_t evictions_ = 0, useful_prefetches_ = 0;
};

} // namespace ashlar::jit::mmu
