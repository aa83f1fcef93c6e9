#include "jit/mmu/extents.h"

#include <algorithm>

namespace ashlar::jit::mmu {

namespace {

constexpr bool overlap(const Run& a, const Run& b) {
    return a.start < b.end() && b.start < a.end();
}

} // namespace

void Extents::set(std::size_t index, const Run& run) {
    const auto below = [&](std::uint64_t reach) { return run.size >= reach ? run.size - reach + 1 : 0; };
    slots_[index] = {.start = run.start,
                     .near = below(kNear),
                     .far = below(kFar),
                     .end = run.start + below(kNear),
                     .addend = run.addend,
                     .host = run.start + run.addend};
}

const Run* Extents::find(std::uint64_t address, bool writes) const {
    for (std::size_t i = 0; i < run_count_; ++i)
        if (runs_[i].writes == writes && runs_[i].contains(address))
            return &runs_[i];
    return nullptr;
}

void Extents::add(const Run& run) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < run_count_; ++i)
        if (runs_[i].writes != run.writes || !overlap(runs_[i], run))
            runs_[kept++] = runs_[i];
    const bool forgets = kept != run_count_ || kept == kRuns;
    run_count_ = kept;
    if (run_count_ < kRuns) {
        runs_[run_count_++] = run;
    } else {
        runs_[oldest_] = run;
        oldest_ = (oldest_ + 1) % kRuns;
    }
    if (forgets)
        clear_orphans();
    effort_ = std::min(effort_ * 2, kMostEffort);
}

void Extents::flush_all() {
    if (run_count_ == 0)
        return;
    slots_.fill({});
    run_count_ = 0;
    effort_ = kLeastEffort;
}

template <class Gone>
void Extents::drop(Gone gone) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < run_count_; ++i)
        if (!gone(runs_[i]))
            runs_[kept++] = runs_[i];
    if (kept == run_count_)
        return;
    run_count_ = kept;
    clear_orphans();
}

// Every slot is a part of some run: what drops runs finds it so.
void Extents::clear_orphans() {
    for (std::size_t i = 0; i < kSlots; ++i) {
        const Slot& slot = slots_[i];
        if (slot.near == 0)
            continue;
        const Run* const run = find(slot.start, is_to_write(i));
        if (run == nullptr || run->addend != slot.addend || slot.near - 1 + kNear > run->end() - slot.start)
            slots_[i] = {};
    }
}

void Extents::flush_local() {
    drop([](const Run& run) { return !run.global; });
}

void Extents::flush(std::uint64_t address, std::uint64_t size) {
    if (size == 0 || run_count_ == 0)
        return;
    const std::uint64_t last = address + (size - 1);
    if (last < address)
        return flush_all();
    drop([&](const Run& run) {
        const std::uint64_t mask = run.largest_leaf - 1;
        return (address & ~mask) < run.end() && run.start <= (last | mask);
    });
}

void Extents::flush_host_page(std::uint64_t host_page) {
    drop([&](const Run& run) { return run.contains(host_page - run.addend); });
}

void Extents::forbid_writes(std::uint64_t host_page) {
    drop([&](const Run& run) { return run.writes && run.contains(host_page - run.addend); });
}

} // namespace ashlar::jit::mmu
