// A hart's part in tier 2: what may become a region, and whether a region still holds.
#include <algorithm>
#include <array>
#include <bit>

#include "jit/engine_core.h"
#include "jit/guest_code.h"
#include "jit/hart.h"

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
    const Block* const root = find_block(pc);
    if (root == nullptr || !engine_.native()->is_compiled(root->code()))
        return;
    ++engine_.counters().regions_renewed;
    engine_.native()->count_anew(root->code(), engine_.options().optimize_after);
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
    engine_.native()->count_anew(root.code(), 1);
}

// Optimizing costs as much as thousands of executions. It is worth that at once where the hart spends its
// time now; else after a while, asked for at ever longer intervals.
void EngineHart::consider(Block& block) {
    constexpr std::uint64_t kShare = 16, kLonger = 4;
    const std::uint64_t first = engine_.options().optimize_after;
    const std::uint64_t interval = block.interval == 0 ? first : block.interval;
    const std::uint64_t since = retired() - block.counted_at;
    const bool hot = interval * block.guest_instructions * kShare >= since;
    if (hot || interval >= first * kLongEnough || first < kLonger)
        return optimize(block);
    block.interval = interval * kLonger;
    block.counted_at = retired();
    engine_.native()->count_anew(block.code(), static_cast<std::uint32_t>(block.interval));
}

void EngineHart::optimize(Block& root) {
    const Stopwatch watch(engine_.options().stopwatch, engine_.counters().tiers[2].compile_ns);
    // What is too much for one region is tried as a smaller one.
    constexpr unsigned kLeast = 50;
    for (unsigned limit = RegionFormer::kMaxGuestInstructions; limit >= kLeast; limit /= 2)
        if (optimize(root, limit) || engine_.former().guest_instructions() <= limit / 2)
            return;
}

// False when the region was refused.
bool EngineHart::optimize(Block& root, unsigned limit) {
    const std::uint64_t pc = state_->pc;
    RegionFormer& former = engine_.former();
    former.form(*this, root, pc, limit);
    if (former.source().blocks.empty()) {
        engine_.native()->drop_region(root.code());
        return true;
    }
    describe_addresses(former);
    const bool one_page = former.pages().size() == 1;
    if (!one_page && engine_.regions().full()) {
        engine_.flush_code();
        return true;
    }
    const NativeRegion region{.source = former.source(),
                              .root = root.code(),
                              .page_offset = static_cast<std::uint32_t>(root.key.address.page_offset()),
                              .one_page = one_page,
                              .pc = pc,
                              .generation = context_.generation,
                              .identity = engine_.regions().next(),
                              .passes = engine_.options().optimizer_passes,
                              .verify = engine_.options().verify_ir,
                              .marks = engine_.observation() != nullptr ? &engine_.observation()->marks()
                                                                        : nullptr,
                              .exits = engine_.exits()};
    const RegionCode code = engine_.native()->optimize(region);
    if (engine_.observation() != nullptr)
        engine_.observation()->optimized(former, pc, code);
    if (code.code.empty())
        return false;
    if (engine_.extents() != nullptr && !engine_.extents()->add(root.code(), former.source()))
        engine_.flush_code();
    if (!one_page)
        engine_.regions().add({root.code(), code.generation_site, former.pages(), false});
    return true;
}

void EngineHart::revalidate_region(std::uint64_t name) {
    RegionRecord& record = engine_.regions()[name];
    const std::uint64_t pc = state_->pc;
    bool holds = !record.dead;
    for (const RegionPage& page : record.pages) {
        const std::uint64_t address =
            (pc & ~std::uint64_t{kPageSize - 1}) + static_cast<std::uint64_t>(page.offset);
        mmu::Mapping mapping;
        holds = holds && mmu_.fetch(address, 2, mapping) && mapping.uniform &&
                mapping.address.align_down(kPageSize) == page.physical;
    }
    if (!holds) {
        ++engine_.counters().regions_dropped;
        return engine_.native()->drop_region(record.root);
    }
    ++engine_.counters().regions_confirmed;
    engine_.native()->set_generation(record.generation_site, pc, context_.generation);
}

} // namespace ashlar::jit
