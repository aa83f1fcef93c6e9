// What is remembered of loads and stores whose addresses were not where a region expected them: the next
// region expects something else. And how often regions are left since a probe fails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "jit/optimizer/graph.h"

namespace ashlar::jit {

// By virtual pc; what shares a place shares its fate, which costs time only. Used by one thread.
class SiteHistory {
public:
    optimizer::Site site(std::uint64_t pc) const { return sites_[index(pc)].expected; }
    // The address was outside the extent, in that with the number `other` or in none, and so the region that
    // begins at `region` was left. True when that has cost as much as a new region.
    bool missed(std::uint64_t region, std::uint64_t pc, std::optional<std::size_t> other) {
        Entry& site = sites_[index(pc)];
        if (++site.misses == kMissesOfSite) {
            site.misses = 0;
            const bool first = site.expected == optimizer::kSiteUnknown;
            site.expected = first && other ? static_cast<optimizer::Site>(*other) : optimizer::kSitePaged;
        }
        std::uint16_t& misses = regions_[index(region)];
        const bool often = ++misses == kMissesOfRegion;
        misses = often ? 0 : misses;
        return often;
    }

    // A probe of the region failed, when the hart had executed `now` instructions. True when that happens so
    // often that the region loses more than it gains.
    bool failed(std::uint64_t region, std::uint64_t now) {
        Failures& failures = failures_[index(region)];
        if (failures.count == 0)
            failures.since = now;
        if (++failures.count < kFailures)
            return false;
        failures.count = 0;
        return now - failures.since < std::uint64_t{kFailures} * kInstructionsOfFailure;
    }

private:
    // A failure costs some hundred host instructions.
    static constexpr std::uint32_t kFailures = 256, kInstructionsOfFailure = 500;
    // A new region takes some hundred times as long as a miss.
    static constexpr std::uint16_t kMissesOfSite = 16, kMissesOfRegion = 200;
    static constexpr std::size_t kEntries = 8192;

    struct Entry {
        std::uint16_t misses = 0;
        optimizer::Site expected = optimizer::kSiteUnknown;
    };

    struct Failures {
        std::uint32_t count = 0;
        std::uint64_t since = 0;
    };

    static std::size_t index(std::uint64_t pc) {
        const std::uint64_t instruction = pc >> 1;
        return (instruction ^ instruction >> 13) & (kEntries - 1);
    }

    std::array<Entry, kEntries> sites_{};
    std::array<std::uint16_t, kEntries> regions_{};
    std::array<Failures, kEntries> failures_{};
};

} // namespace ashlar::jit
