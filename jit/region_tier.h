// Tier 2 as harts see it: regions are compiled, at once or by a worker meanwhile, entered, looked after and
// given up.
#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "jit/engine.h"
#include "jit/observation.h"
#include "jit/optimizer/optimizer.h"
#include "jit/region_extents.h"
#include "jit/region_records.h"

namespace ashlar::jit {

// For the thread that executes. No host code may be running while it is asked for anything but
// page_written() and has_finished().
class RegionTier final : private CompileJob {
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
    ~RegionTier();

    RegionFormer& former() { return former_; }
    // True when too many regions wait to be compiled already: the block asks again later.
    bool turns_away(const Block& root);
    // The block at `pc` becomes the root of the region that the former has formed from it, now or later, or
    // asks again when it is worth it. It was not turned away.
    void compile(Block& root, std::uint64_t pc, std::uint64_t generation);
    bool has_finished() const { return compiled_.load(std::memory_order_acquire) != installed_; }
    // Makes what the worker has compiled run, unless its code has changed since.
    void install_finished();
    // The block has counted to the end. True if that was to see whether its region, or the block without
    // one, is in use.
    bool resume(Block& block);
    RegionRecord& record(std::uint64_t name) { return records_[name]; }
    // A region's pages are not where they were.
    void drop(std::uint16_t name);
    // The block runs without the region that begins with it, if there is one, and asks to be optimized after
    // so many executions.
    void renew(Block& root, std::uint32_t executions);
    // The block runs without a region from now on.
    void stay_plain(Block& root);
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
    // What the worker is given, and what it makes of that. Only `is_cancelled` and what compile_beside()
    // writes change while it is the worker's.
    struct Request {
        std::unique_ptr<optimizer::RegionSource> source;
        const interpreter::Op* root = nullptr;
        const void* root_entry = nullptr;
        std::uint32_t page_offset = 0;
        bool one_page = false;
        std::uint64_t pc = 0, generation = 0;
        std::uint16_t name = 0;
        unsigned guest_instructions = 0, passes = 0;
        std::atomic<bool> is_cancelled{false}; // its region is not wanted any more
        std::unique_ptr<std::byte[]> copy;     // of the code and of what is outward in it
        RegionCode code;
        bool lacked_memory = false;
        std::uint64_t compile_ns = 0;
    };
    static constexpr std::uint32_t kRequests = 16;

    explicit RegionTier(const Environment& environment, std::unique_ptr<optimizer::RegionSource> source);

    std::uint16_t claim_name();
    // Those that the root's region is to have.
    unsigned passes(const Block& root) const {
        const unsigned unwanted = root.probes_alone ? optimizer::kShareProbes : 0u;
        return with_.options.optimizer_passes & ~unwanted;
    }
    // False when there is no memory for it.
    bool request(Block& root, std::uint16_t name, std::uint64_t pc, std::uint64_t generation);
    // CompileJob: on the worker's thread.
    void run() override;
    void compile_beside(Request& request);
    // On the other one again. True when the region is still wanted.
    bool is_wanted(const Request& request);
    void cancel(std::uint16_t name);
    void install(std::uint16_t name, std::uint64_t pc, const RegionCode& code, unsigned guest_instructions);
    void decline(Block& root, unsigned guest_instructions);
    // Frees the region, or sees to it that it does not come.
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
    CompileWorker* const worker_; // or nullptr: everything is compiled at once
    // A ring. Requests have numbers: those below installed_ are done with, those below compiled_ wait to be
    // installed, those below requested_ to be compiled.
    std::array<Request, kRequests> requests_;
    std::uint32_t installed_ = 0;
    std::atomic<std::uint32_t> compiled_{0}, requested_{0};
};

} // namespace ashlar::jit
