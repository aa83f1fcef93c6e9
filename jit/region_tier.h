// Tier 2 as harts see it: regions are compiled, entered, looked after and given up.
#pragma once

#include <memory>

#include "jit/engine.h"
#include "jit/observation.h"
#include "jit/region_extents.h"
#include "jit/region_records.h"

namespace ashlar::jit {

// No host code may be running while it is asked for anything but page_written().
class RegionTier {
public:
    // What the references and pointers lead to outlives it; pointers may be nullptr.
    struct Environment {
        NativeCompiler& native;
        const EngineOptions& options;
        EngineStatistics& statistics;
        Observation* observation;
        RegionExits* exits;
        RegionExtents* extents;
    };
    static Result<std::unique_ptr<RegionTier>> create(const Environment& environment);
    RegionTier(const RegionTier&) = delete;
    RegionTier& operator=(const RegionTier&) = delete;

    RegionFormer& former() { return former_; }
    // The block at `pc` becomes the root of the region that the former has formed from it, or asks again
    // when it is worth it.
    void compile(Block& root, std::uint64_t pc, std::uint64_t generation);
    // The block has counted to the end. True if that was to see whether its region, or the block without
    // one, is in use.
    bool resume(Block& block);
    RegionRecord& record(std::uint64_t name) { return records_[name]; }
    // A region's pages are not where they were.
    void drop(std::uint16_t name);
    // The block runs without the region that begins with it, if there is one, and asks to be optimized after
    // so many executions.
    void renew(Block& root, std::uint32_t executions);
    // A page is about to be written to, or no longer watched.
    void page_written(GuestPhysicalAddress page) { records_.page_written(page); }

    // From now on blocks count for a moment, to see which regions are in use.
    void look_for_use();
    // Calls visit(page) for the pages of regions in use.
    template <class Visit>
    void for_each_page_in_use(Visit visit) {
        records_.for_each([&](std::uint16_t name) {
            if (!records_[name].is_looked_for)
                for (const RegionPage& page : records_[name].pages)
                    visit(page.physical);
        });
    }
    // Gives up regions with pages that are not watched.
    template <class IsWatched>
    void give_up_unwatched(IsWatched is_watched) {
        records_.for_each([&](std::uint16_t name) {
            bool all = true;
            for (const RegionPage& page : records_[name].pages)
                all = all && is_watched(page.physical);
            if (!all)
                give_up(name);
        });
    }
    // The block is about to be freed.
    void forget_root(Block& root);
    // Forgets everything; the native compiler then does, too.
    void clear();
    // Changes when the code of regions is freed: addresses in it from before mean nothing.
    std::uint64_t epoch() const { return epoch_; }

private:
    explicit RegionTier(const Environment& environment) : with_(environment) {}

    void install(std::uint16_t name, std::uint64_t pc, const RegionCode& code);
    void decline(Block& root);
    // Frees the region.
    void retire(std::uint16_t name);
    // For want of room; its block may ask again.
    void give_up(std::uint16_t name);
    // Gives up what is not in use, and what is old until there is some room.
    void make_room();
    bool is_crowded(std::size_t sixteenths) const;

    Environment with_;
    RegionFormer former_;
    RegionRecords records_;
    bool looks_ = false; // for use
    std::uint64_t epoch_ = 0;
};

} // namespace ashlar::jit
