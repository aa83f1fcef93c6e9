#include "jit/mmu/extents.h"

#include <algorithm>

namespace ashlar::jit::mmu {

namespace {

constexpr bool overlap(const Run& a, const Run& b) {
    return a.start < b.end() && b.start < a.end();
}

} // namespace

void Extents::set(std::size_t number, const Run& run) {
    const auto below = [&](std::uint64_t reach) { return run.size >= reach ? run.size - reach + 1 : 0; };
    if (slots_[number].addend != run.addend)
        slots_[number] = slots_[number + kFirstToWrite] = {};
    slots_[number].addend = run.addend;
    slots_[number + (run.writes ? kFirstToWrite : 0)] = {.start = run.start,
                                                         .near = below(kNear),
                                                         .far = below(kFar),
                                                         .end = run.start + below(kNear),
                                                         .addend = run.addend,
                                                         .host = run.start + run.addend};
}

std::size_t Extents::number_for(std::uint64_t addend, std::size_t preferred) {
    const auto is_free = [&](std::size_t number) {
        return is_empty(number) && is_empty(number + kFirstToWrite);
    };
    std::size_t free = kNumbers;
    for (std::size_t number = 0; number < kNumbers; ++number) {
        if (is_free(number))
            free = std::min(free, number);
        else if (slots_[number].addend == addend)
            return number;
    }
    if (preferred < kNumbers && is_free(preferred))
        return preferred;
    return free != kNumbers ? free : next_number_++ % kNumbers;
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
        if (is_empty(i))
            continue;
        const Run* const run = find(slot.start, is_to_write(i));
        if (run == nullptr || run->addend != slot.addend || slot.near - 1 + kNear > run->end() - slot.start)
            slots_[i] = {.addend = slot.addend}; // which the number's other slot may have
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

// What lies before and behind the page goes on; the number keeps the longer part.
void Extents::forbid_writes(std::uint64_t host_page) {
    for (std::size_t i = 0; i < run_count_;) {
        const Run run = runs_[i];
        const std::uint64_t page = host_page - run.addend;
        if (!run.writes || !run.contains(page)) {
            ++i;
            continue;
        }
        Run before = run, behind = run;
        before.size = page - run.start;
        behind.start = page + kPageSize;
        behind.size = run.end() - behind.start;
        const Run& longer = before.size > behind.size ? before : behind;
        const Run& shorter = before.size > behind.size ? behind : before;
        runs_[i] = longer;
        if (longer.size == 0)
            runs_[i] = runs_[--run_count_];
        if (shorter.size != 0 && run_count_ < kRuns)
            runs_[run_count_++] = shorter;
        for (std::size_t number = 0; number < kNumbers; ++number) {
            const Slot& slot = slots_[number + kFirstToWrite];
            if (is_empty(number + kFirstToWrite) || slot.addend != run.addend || !run.contains(slot.start))
                continue;
            if (longer.size != 0)
                set(number, longer);
            else
                slots_[number + kFirstToWrite] = {};
        }
    }
}

} // namespace ashlar::jit::mmu
