// Which mappings the fetches of one translation context have gone through since it was last emptied: what
// must still hold for code that was found through them to be reached without looking again.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "lib/address.h"

namespace ashlar::jit {

class FetchedPages {
public:
    struct Leaf {
        std::uint64_t address = 0, physical = 0, size = 0;
        bool contains(std::uint64_t other) const { return other - address < size; }
        bool operator==(const Leaf&) const = default;
    };

    // `address` lies in a leaf of `size` bytes, and goes to `physical`.
    void add(std::uint64_t address, std::uint64_t physical, std::uint64_t size);
    // Whether one of them has an address in [first, last]; may say so of others.
    bool overlap(std::uint64_t first, std::uint64_t last) const;
    void clear();

    // False when there have been too many to remember, or one has changed.
    bool complete() const { return complete_; }
    std::span<const Leaf> leaves() const { return {leaves_.data(), count_}; }

private:
    static constexpr std::size_t kLeaves = 256;
    // A bit for each 4 KiB page, hashed. So many successive ones have different hashes.
    static constexpr std::uint64_t kHashes = 64 * 64;
    static std::size_t word(std::uint64_t address) { return address >> (kPageShift + 6) & 63; }
    static std::uint64_t mask(std::uint64_t address) {
        return std::uint64_t{1} << (address >> kPageShift & 63);
    }

    std::array<std::uint64_t, kHashes / 64> pages_{};
    std::array<Leaf, kLeaves> leaves_{};
    std::size_t count_ = 0;
    std::size_t latest_ = 0;
    bool complete_ = true;
    bool superpages_ = false;         // there are some in leaves_
    bool unknown_superpages_ = false; // there are some that it has no room for
};

} // namespace ashlar::jit
