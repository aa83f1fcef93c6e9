// The engine's shared part: translation into the one code cache of all harts.
#pragma once

#include <memory>

#include "jit/code_cache.h"
#include "jit/engine.h"
#include "jit/hart.h"
#include "jit/interpreter/lower.h"
#include "jit/ir/block.h"
#include "jit/jump_profile.h"
#include "jit/observation.h"
#include "jit/region_extents.h"
#include "jit/region_records.h"
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
    // Compiles a block, which is about to run at `pc`, to host code, or has everything flushed when there is
    // no room.
    void promote(Block& block, std::uint64_t pc);
    RegionFormer& former() { return *former_; }
    JumpProfiles& jump_profiles() { return *jump_profiles_; }
    Observation* observation() { return observation_.get(); }
    RegionRecords& regions() { return regions_; }
    SiteHistory& sites() { return sites_; }
    RegionExtents* extents() { return extents_.get(); } // nullptr unless execution is observed
    RegionExits* exits() { return exits_.get(); }       // or nullptr: nobody counts them
    // The IR of the block that `key` names, valid until the next call or translation.
    const ir::Block& lift(const BlockKey& key);
    EngineStatistics& counters() { return statistics_; }
    std::uint64_t next_generation();
    // Translates the block that `key` names, which is about to run at `pc`. Flushes the cache when it is
    // full.
    Block& translate(const BlockKey& key, std::uint64_t pc);
    // Carries out what flush_code() asked for while harts ran.
    void flush_if_requested();
    void enter_run() { ++running_; }
    void leave_run() { --running_; }

private:
    void code_page_written(GuestPhysicalAddress address, std::uint64_t length) override;
    // The lifted block as threaded code, with the op in front that counts towards promotion.
    std::size_t lower(const BlockKey& key, std::span<interpreter::Op> code);
    void flush_now();
    void renew_generations();

    GuestMemory& memory_;
    Bus& bus_;
    riscv64::TimeSource& time_;
    EngineOptions options_;
    std::unique_ptr<CodeCache> cache_;
    std::unique_ptr<NativeCompiler> native_;
    std::unique_ptr<Observation> observation_;
    std::unique_ptr<RegionFormer> former_;
    std::unique_ptr<JumpProfiles> jump_profiles_;
    RegionRecords regions_;
    SiteHistory sites_;
    std::unique_ptr<RegionExits> exits_;
    std::unique_ptr<RegionExtents> extents_;
    ir::Block block_;
    interpreter::Lowering lowering_;
    std::unique_ptr<std::unique_ptr<EngineHart>[]> harts_;
    EngineStatistics statistics_;
    std::uint64_t generation_ = 0;
    unsigned running_ = 0;
    bool flush_requested_ = false;
};

} // namespace ashlar::jit
