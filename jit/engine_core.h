// The engine's shared part: translation into the one code cache of all harts.
#pragma once

#include <memory>
#include <optional>

#include "jit/engine.h"
#include "jit/eviction.h"
#include "jit/hart.h"
#include "jit/interpreter/lower.h"
#include "jit/ir/block.h"
#include "jit/jump_profile.h"
#include "jit/site_history.h"

namespace ashlar::jit {

class EngineCore final : public Engine, private CodeWriteObserver {
public:
    struct Parts {
        std::unique_ptr<CodeCache> cache;
        ir::Block block;
        interpreter::Lowering lowering;
        std::unique_ptr<NativeCompiler> native;   // or nullptr
        std::unique_ptr<Observation> observation; // or nullptr
    };
    EngineCore(GuestMemory& memory, Bus& bus, riscv64::TimeSource& time, const EngineOptions& options,
               Parts parts);
    EngineCore(const EngineCore&) = delete;
    EngineCore& operator=(const EngineCore&) = delete;
    ~EngineCore() override;
    Status create_harts();

    Hart& hart(unsigned index) override;
    void flush_code() override;
    EngineStatistics statistics() const override;
    std::span<const RegionExit> region_exits() const override;

    // For the harts.
    GuestMemory& memory() { return memory_; }
    Bus& bus() { return bus_; }
    riscv64::TimeSource& time() { return time_; }
    const EngineOptions& options() const { return options_; }
    CodeCache& cache() { return *cache_; }
    NativeCompiler* native() { return native_.get(); }
    // Compiles a block, which is about to run at `pc`, to host code, or has room made for it when there is
    // none.
    void promote(Block& block, std::uint64_t pc);
    JumpProfiles& jump_profiles() { return *jump_profiles_; }
    RegionTier& regions() { return *regions_; }
    // Changes when addresses of translated code from before mean nothing any more.
    std::uint64_t code_epoch() const { return epoch_ + (regions_ != nullptr ? regions_->epoch() : 0); }
    SiteHistory& sites() { return sites_; }
    RegionExtents* extents() { return extents_.get(); } // nullptr unless execution is observed
    RegionExits* exits() { return exits_.get(); }       // or nullptr: nobody counts them
    // The IR of the block that `key` names, valid until the next call or translation.
    const ir::Block& lift(const BlockKey& key);
    EngineStatistics& counters() { return statistics_; }
    std::uint64_t next_generation();
    // Translates the block that `key` names, which is about to run at `pc`. Drops others when the cache is
    // full.
    Block& translate(const BlockKey& key, std::uint64_t pc);
    // What waits for a moment at which no hart is in translated code.
    void serve_requests() {
        if (flush_requested_)
            flush_now();
        if (room_requested_)
            make_room();
        if (regions_ != nullptr && regions_->has_finished())
            regions_->install_finished();
    }
    void enter_run() { ++running_; }
    void leave_run() { --running_; }

private:
    void code_page_written(GuestPhysicalAddress address, std::uint64_t length) override;
    // The lifted block as threaded code, with the op in front that counts towards promotion.
    std::span<const interpreter::Op> lower(const BlockKey& key);
    void flush_now();
    void make_room();
    // After code was freed: of jumps to it.
    void forget_jumps();
    void renew_generations();

    GuestMemory& memory_;
    Bus& bus_;
    riscv64::TimeSource& time_;
    EngineOptions options_;
    std::unique_ptr<CodeCache> cache_;
    std::unique_ptr<NativeCompiler> native_;
    std::unique_ptr<Observation> observation_;
    std::unique_ptr<JumpProfiles> jump_profiles_;
    SiteHistory sites_;
    std::unique_ptr<RegionExits> exits_;
    std::unique_ptr<RegionExtents> extents_;
    std::unique_ptr<RegionTier> regions_; // or nullptr
    std::optional<Eviction> eviction_;
    ir::Block block_;
    interpreter::Lowering lowering_;
    std::unique_ptr<interpreter::Op[]> ops_; // lowered
    std::unique_ptr<std::unique_ptr<EngineHart>[]> harts_;
    EngineStatistics statistics_;
    std::uint64_t generation_ = 0;
    std::uint64_t epoch_ = 0;
    unsigned running_ = 0;
    bool flush_requested_ = false, room_requested_ = false;
};

} // namespace ashlar::jit
