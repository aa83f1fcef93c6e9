// What is remembered of loads and stores whose addresses were not where a region expected them: the next
// region expects something else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "jit/optimizer/graph.h"

namespace ashlar::jit {

// By virtual pc; instructions that share a place share their fate, which costs time only. Used by one thread.
class SiteHistory {
public:
    optimizer::Site site(std::uint64_t pc) const {
        return static_cast<optimizer::Site>(sites_[index(pc)] >> kShift);
    }
    // The address was outside the extent. True when that is so often that from now on something else is
    // expected.
    bool missed(std::uint64_t pc) {
        std::uint8_t& site = sites_[index(pc)];
        if (site >> kShift == static_cast<unsigned>(optimizer::Site::Paged))
            return true; // the region is older than that
        const auto misses = static_cast<std::uint8_t>((site & (kMisses - 1)) + 1);
        const auto expected = static_cast<std::uint8_t>(site >> kShift);
        const bool often = misses == kMisses;
        site = static_cast<std::uint8_t>(often ? (expected + 1) << kShift : expected << kShift | misses);
        return often;
    }

private:
    static constexpr unsigned kShift = 6;
    static constexpr std::uint8_t kMisses = 8;
    static constexpr std::size_t kSites = 8192;

    static std::size_t index(std::uint64_t pc) {
        const std::uint64_t instruction = pc >> 1;
        return (instruction ^ instruction >> 13) & (kSites - 1);
    }

    std::array<std::uint8_t, kSites> sites_{};
};

} // namespace ashlar::jit
