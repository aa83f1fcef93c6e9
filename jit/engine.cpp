#include "jit/engine.h"

#include <algorithm>

#include "jit/engine_core.h"
#include "jit/frontend/riscv64/lifter.h"
#include "jit/interpreter/handlers.h"
#include "jit/ir/verifier.h"

namespace ashlar::jit {

Result<std::unique_ptr<Engine>> Engine::create(GuestMemory& memory, Bus& bus, riscv64::TimeSource& time,
                                               const EngineOptions& options) {
    if (options.harts == 0)
        return Error::InvalidArgument;
    std::unique_ptr<NativeCompiler> native;
    if (!options.native_code.writable.empty())
        native = ASHLAR_TRY(create_native_compiler(options.native_code, options.shared_memory));
    std::unique_ptr<Observation> observation;
    if (options.observer != nullptr)
        observation = ASHLAR_TRY(Observation::create(*options.observer, memory));
    EngineCore::Parts parts{ASHLAR_TRY(CodeCache::create(memory, options.code_cache_bytes)),
                            ASHLAR_TRY(ir::Block::create(riscv64::kBlockCapacity)),
                            ASHLAR_TRY(interpreter::Lowering::create(riscv64::kBlockCapacity)),
                            std::move(native), std::move(observation)};
    std::unique_ptr<EngineCore> engine(new (std::nothrow)
                                           EngineCore(memory, bus, time, options, std::move(parts)));
    if (engine == nullptr)
        return Error::OutOfMemory;
    ASHLAR_TRY(engine->create_harts());
    return std::unique_ptr<Engine>(std::move(engine));
}

EngineCore::EngineCore(GuestMemory& memory, Bus& bus, riscv64::TimeSource& time, const EngineOptions& options,
                       Parts parts)
    : memory_(memory),
      bus_(bus),
      time_(time),
      options_(options),
      cache_(std::move(parts.cache)),
      native_(std::move(parts.native)),
      observation_(std::move(parts.observation)),
      block_(std::move(parts.block)),
      lowering_(std::move(parts.lowering)) {
    memory_.set_observer(this);
    if (observation_ != nullptr && native_ != nullptr)
        native_->report_shared_code(observation_->observer());
}

EngineCore::~EngineCore() {
    cache_->flush(); // no page is a code page any more
    memory_.set_observer(nullptr);
}

Status EngineCore::create_harts() {
    constexpr std::size_t kOps = interpreter::max_ops(riscv64::kBlockCapacity) + 1;
    ops_.reset(new (std::nothrow) interpreter::Op[kOps]);
    if (ops_ == nullptr)
        return Error::OutOfMemory;
    if (native_ != nullptr) {
        jump_profiles_ = ASHLAR_TRY(JumpProfiles::create());
        // An observer of execution is told which instructions were a region's.
        if (options_.counted_exits != 0 || options_.execution_observer != nullptr)
            exits_ = ASHLAR_TRY(RegionExits::create(std::max<std::size_t>(options_.counted_exits, 1)));
        if (options_.execution_observer != nullptr)
            extents_ = ASHLAR_TRY(RegionExtents::create());
        regions_ = ASHLAR_TRY(RegionTier::create(
            {*native_, options_, statistics_, observation_.get(), exits_.get(), extents_.get()}));
    }
    eviction_.emplace(*cache_, native_.get(), regions_.get(), statistics_);
    harts_.reset(new (std::nothrow) std::unique_ptr<EngineHart>[options_.harts]);
    if (harts_ == nullptr)
        return Error::OutOfMemory;
    for (unsigned i = 0; i < options_.harts; ++i) {
        harts_[i].reset(new (std::nothrow) EngineHart(*this));
        if (harts_[i] == nullptr)
            return Error::OutOfMemory;
        harts_[i]->state().control.hart_id = i;
    }
    return {};
}

Hart& EngineCore::hart(unsigned index) {
    ASHLAR_ASSERT(index < options_.harts);
    return *harts_[index];
}

EngineStatistics EngineCore::statistics() const {
    EngineStatistics result = statistics_;
    for (unsigned i = 0; i < options_.harts; ++i) {
        result.instructions += harts_[i]->retired();
        result.host_code_instructions += harts_[i]->retired_in_host_code();
        result.tlb += harts_[i]->tlb_counts();
        result.probes_found += harts_[i]->probes_found();
        result.probes_failed += harts_[i]->probes_failed();
    }
    if (native_ != nullptr) {
        const NativeStatistics native = native_->statistics();
        TierStatistics& tier = result.tiers[1];
        tier.units = native.blocks;
        tier.guest_instructions = native.guest_instructions;
        tier.bytes = native.bytes;
        result.native_links = native.links;
        TierStatistics& optimized = result.tiers[2];
        optimized.units = native.regions;
        optimized.guest_instructions = native.region_instructions;
        optimized.bytes = native.region_bytes;
    }
    result.counts_regions = exits_ != nullptr && options_.counted_exits != 0;
    if (result.counts_regions) {
        result.region_instructions = exits_->instructions();
        result.jumps_missed = exits_->jumps().missed;
        result.jumps_followed = exits_->jumps().all - result.jumps_missed;
        for (const RegionExit& exit : exits_->all()) {
            LeaveStatistics& leave = result.leaves[static_cast<std::size_t>(exit.reason)];
            leave.times += exit.times;
            leave.outside += exit.outside;
        }
    }
    return result;
}

std::span<const RegionExit> EngineCore::region_exits() const {
    return exits_ != nullptr ? exits_->all() : std::span<const RegionExit>{};
}

void EngineCore::flush_code() {
    if (running_ == 0)
        return flush_now();
    flush_requested_ = true;
    for (unsigned i = 0; i < options_.harts; ++i)
        harts_[i]->request_attention();
}

void EngineCore::flush_now() {
    flush_requested_ = false;
    ++statistics_.flushes;
    if (regions_ != nullptr)
        regions_->clear();
    cache_->flush();
    if (extents_ != nullptr)
        extents_->clear();
    if (native_ != nullptr)
        native_->flush();
    if (observation_ != nullptr)
        observation_->observer().code_flushed();
    generation_ = 0;
    for (unsigned i = 0; i < options_.harts; ++i)
        harts_[i]->clear_jump_cache();
    forget_jumps();
}

void EngineCore::make_room() {
    const Stopwatch watch(options_.stopwatch, statistics_.evicting);
    room_requested_ = false;
    eviction_->make_room();
    forget_jumps();
}

void EngineCore::forget_jumps() {
    ++epoch_;
    for (unsigned i = 0; i < options_.harts; ++i)
        harts_[i]->forget_jumps();
    renew_generations();
}

void EngineCore::promote(Block& block, std::uint64_t pc) {
    NativeBlock native{block.ops(), static_cast<std::uint32_t>(block.key.address.page_offset()),
                       block.guest_instructions, !block.key.straddles(), options_.optimize_after};
    if (observation_ != nullptr)
        observation_->ask_for_marks(block, native);
    const Bytes code = [&] {
        const Stopwatch watch(options_.stopwatch, statistics_.tiers[1].compiling);
        return native_->compile(native);
    }();
    if (code.empty()) {
        room_requested_ = true;
        interpreter::count_to(block.ops().front(), options_.promote_after);
        return;
    }
    if (observation_ != nullptr)
        observation_->compiled(block, pc, code);
    eviction_->notice_growth();
}

std::uint64_t EngineCore::next_generation() {
    using interpreter::Context;
    // Numbers are used again once nothing knows them any more; running harts may take some until then.
    if (generation_ >= options_.generations * Context::kGenerationUnit)
        flush_code();
    generation_ += Context::kGenerationUnit;
    ASHLAR_ASSERT(generation_ < Context::kGenerationEnd);
    return generation_;
}

void EngineCore::renew_generations() {
    for (unsigned i = 0; i < options_.harts; ++i)
        harts_[i]->renew_generations();
}

void EngineCore::code_page_written(GuestPhysicalAddress address, std::uint64_t length) {
    if (!cache_->holds_code(address, length))
        return; // data beside code
    ++statistics_.pages_invalidated;
    statistics_.blocks_invalidated += cache_->invalidate(address.align_down(kPageSize));
    if (regions_ != nullptr)
        regions_->page_written(address.align_down(kPageSize));
    renew_generations();
}

std::span<const interpreter::Op> EngineCore::lower(const BlockKey& key) {
    const std::span<interpreter::Op> room{ops_.get(), interpreter::max_ops(block_.size()) + 1};
    if (native_ == nullptr || key.single)
        return room.first(lowering_.lower(block_, room));
    interpreter::count_to(room[0], options_.promote_after);
    return room.first(1 + lowering_.lower(block_, room.subspan(1)));
}

const ir::Block& EngineCore::lift(const BlockKey& key) {
    jit::lift(memory_, key, block_);
    return block_;
}

Block& EngineCore::translate(const BlockKey& key, std::uint64_t pc) {
    TierStatistics& statistics = statistics_.tiers[0];
    {
        const Stopwatch watch(options_.stopwatch, statistics.compiling);
        lift(key);
    }
    ASHLAR_ASSERT(block_.guest_instructions() != 0);
    ASHLAR_ASSERT(!options_.verify_ir || ir::verify(block_).ok());
    if (observation_ != nullptr)
        observation_->lifted(key, pc, block_);
    std::span<const interpreter::Op> code;
    Block* block = nullptr;
    bool first_in_page = false;
    const auto insert = [&] {
        block = cache_->insert(key, code, block_.guest_instructions(), block_.guest_bytes(), first_in_page);
        return block != nullptr;
    };
    {
        const Stopwatch watch(options_.stopwatch, statistics.compiling);
        code = lower(key);
        insert();
    }
    while (block == nullptr && !insert())
        make_room();
    for (unsigned i = 0; first_in_page && i < options_.harts; ++i) {
        harts_[i]->forbid_writes(key.address.align_down(kPageSize));
        if (key.straddles())
            harts_[i]->forbid_writes(key.second_page);
    }
    ++statistics.units;
    statistics.guest_instructions += block_.guest_instructions();
    statistics.bytes += sizeof(Block) + code.size_bytes();
    eviction_->notice_growth();
    return *block;
}

} // namespace ashlar::jit
