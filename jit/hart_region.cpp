// A hart's part in tier 2: what may become a region, and whether a region still holds.
#include <algorithm>
#include <array>
#include <bit>

#include "jit/engine_core.h"
#include "jit/guest_code.h"
#include "jit/hart.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit {

namespace {

// How many times optimize_after a block runs at most before it is optimized.
constexpr std::uint64_t kLongEnough = 16;

} // namespace

// Looking must leave no trace in page tables.
Block* EngineHart::find_block(std::uint64_t pc) {
    BlockKey key;
    return mmu_.has_fetched(pc) && locate(pc, key) ? engine_.cache().find(key) : nullptr;
}

std::uint32_t EngineHart::executions(const Block& block) const {
    return engine_.native()->executions(block.code());
}

const ir::Block& EngineHart::lift_block(const Block& block) {
    return engine_.lift(block.key);
}

optimizer::Site EngineHart::site(std::uint64_t pc) const {
    return engine_.sites().site(pc);
}

// An extent where there was none, or that goes on from the one that there was, is what was to be expected.
void EngineHart::extent_missed(unsigned slot, std::uint64_t address, unsigned length, std::uint64_t pc) {
    const mmu::Extents::Slot before = mmu_.extents().slot(slot);
    ++engine_.counters().extents_missed;
    std::optional<std::size_t> other = mmu_.find_extent(slot, address, length);
    if (other == slot % mmu::Extents::kFirstToWrite) {
        const mmu::Extents::Slot& now = mmu_.extents().slot(slot);
        if (before.near == 0 || before.start - now.start < now.near)
            return;
        other.reset();
    }
    if (!engine_.sites().missed(state_->pc, pc, other))
        return;
    outdated_region_ = state_->pc;
    request_attention();
}

// Has a region that expects something else of its accesses than experience tells made anew.
void EngineHart::renew_region(std::uint64_t pc) {
    Block* const root = find_block(pc);
    if (root == nullptr || !engine_.native()->is_compiled(root->code()))
        return;
    ++engine_.counters().regions_renewed;
    engine_.regions().renew(*root, engine_.options().optimize_after);
}

void EngineHart::probe_failed() {
    if (!engine_.sites().failed(state_->pc, retired()))
        return;
    failing_region_ = state_->pc;
    request_attention();
}

// Probes that serve one access each do not fail because others would. Where they do, too, tier 1 is better.
void EngineHart::demote_region(std::uint64_t pc) {
    Block* const root = find_block(pc);
    if (root == nullptr || !engine_.native()->is_compiled(root->code()) || root->region == Block::kNoRegion)
        return;
    ++engine_.counters().regions_demoted;
    if (std::exchange(root->probes_alone, true))
        engine_.regions().stay_plain(*root);
    else
        engine_.regions().renew(*root, engine_.options().optimize_after);
}

// What the registers of accesses point to. Where not all point to the same extent nothing is expected of
// others.
void EngineHart::describe_addresses(RegionFormer& former) {
    const auto site = [&](std::uint64_t address, bool writes) {
        const mmu::Run run = mmu_.extent_around(address, writes);
        if (run.size >= mmu::Mmu::kLongRun)
            return static_cast<optimizer::Site>(mmu_.number_of(run));
        return run.size != 0 ? optimizer::kSitePaged : optimizer::kSiteUnknown;
    };
    optimizer::RegionSource::Addresses found;
    found.usual = found.code = site(state_->pc, false);
    const std::uint32_t stores = former.bases(true);
    for (std::uint32_t left = former.bases(false) & ~1u; left != 0; left &= left - 1) {
        const auto number = static_cast<unsigned>(std::countr_zero(left));
        const optimizer::Site is = site(state_->x[number], (stores >> number & 1) != 0);
        found.registers[number] = is;
        if (is != optimizer::kSiteUnknown && is != found.usual)
            found.usual = optimizer::kSitePaged;
    }
    former.set_addresses(found);
}

JumpProfile* EngineHart::jump_profile(Block& block) {
    return engine_.jump_profiles().find(block.jumps, block.code(), engine_.options().surprises);
}

// It costs as much as thousands of such jumps, and is less sure to be of use each time.
void EngineHart::form_anew(Block& root, JumpProfile& jump) {
    constexpr unsigned kMost = 8;
    jump.fold();
    // Odd, so that of regions which take turns not always the same is the last.
    jump.surprises = engine_.options().surprises << root.reforms | 1;
    if (root.reforms == kMost)
        return;
    ++engine_.counters().regions_formed_anew;
    ++root.reforms;
    root.interval = kLongEnough * engine_.options().optimize_after; // at once
    root.counted_at = retired();
    engine_.regions().renew(root, 1);
}

// Optimizing costs as much as thousands of executions. It is worth that at once where the hart spends its
// time now; else after a while, asked for at ever longer intervals.
void EngineHart::consider(Block& block) {
    constexpr std::uint64_t kShare = 16, kLonger = 4;
    const std::uint64_t first = engine_.options().optimize_after;
    const std::uint64_t interval = block.interval == 0 ? first : block.interval;
    const std::uint64_t since = retired() - block.counted_at;
    const bool hot = interval * block.guest_instructions * kShare >= since;
    const bool again = block.region_limit != Block::kMaxRegion;
    if (hot || again || interval >= first * kLongEnough || first < kLonger)
        return optimize(block);
    block.interval = interval * kLonger;
    block.counted_at = retired();
    engine_.native()->count_anew(block.code(), static_cast<std::uint32_t>(block.interval));
}

void EngineHart::optimize(Block& root) {
    if (engine_.regions().turns_away(root)) {
        root.counted_at = retired();
        return;
    }
    const Stopwatch watch(engine_.options().stopwatch, engine_.counters().tiers[2].compiling);
    RegionFormer& former = engine_.regions().former();
    former.form(*this, root, state_->pc, root.region_limit);
    describe_addresses(former);
    if ((engine_.options().optimizer_passes & optimizer::kUnrollLoops) != 0)
        former.unroll();
    engine_.regions().compile(root, state_->pc, context_.generation);
}

void EngineHart::revalidate_region(std::uint64_t name) {
    const RegionRecord& record = engine_.regions().record(name);
    const std::uint64_t pc = state_->pc;
    bool holds = !record.is_dead;
    for (const RegionPage& page : record.pages) {
        const std::uint64_t address =
            (pc & ~std::uint64_t{kPageSize - 1}) + static_cast<std::uint64_t>(page.offset);
        mmu::Mapping mapping;
        holds = holds && mmu_.fetch(address, 2, mapping) && mapping.uniform &&
                mapping.address.align_down(kPageSize) == page.physical;
    }
    if (!holds)
        return engine_.regions().drop(static_cast<std::uint16_t>(name));
    ++engine_.counters().regions_confirmed;
    engine_.native()->set_generation(record.generation_site, pc, context_.generation);
}

} // namespace ashlar::jit
