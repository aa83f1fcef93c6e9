#include "bench/tlb_replay/model.h"

#include <algorithm>

namespace ashlar::bench {

using namespace jit::mmu;
using Event = jit::hosted::MemoryTraceEvent;

TlbModel::TlbModel(const TlbChoice& choice)
    : choice_(choice),
      contexts_(Mmu::kSpaces * Mmu::kDataContexts, Context{std::vector<Entry>(choice.first_level)}),
      second_(std::make_unique<SecondLevelTlb>(choice.replacement)),
      prefetcher_(choice.prefetch) {}

TlbCounts TlbModel::counts() const {
    TlbCounts counts = counts_;
    counts.evictions = second_->evictions();
    counts.useful_prefetches = second_->useful_prefetches();
    return counts;
}

void TlbModel::replay(const Event& event) {
    switch (event.kind) {
    case Event::Kind::Reference: return refer(event);
    case Event::Kind::Selection: selection_ = event.selection; return;
    case Event::Kind::Flush: return flush(event.flush);
    case Event::Kind::End: return;
    }
}

std::size_t TlbModel::owner_of(const PageKind& leaf) const {
    return leaf.global && selection_.owner < Mmu::kSpaces ? SecondLevelTlb::kGlobal : selection_.owner;
}

// As Mmu::resolve().
void TlbModel::refer(const Event& event) {
    Context& first = context(selection_.space, selection_.context);
    Entry& entry = first.entries[event.page & (first.entries.size() - 1)];
    const unsigned kind = event.stores ? 2 : 1;
    if (entry.page == event.page && (entry.kinds & kind) != 0)
        return;
    ++counts_.misses;
    PageKind leaf = event.leaf;
    Denials denied = event.denies;
    const Denials needs = (event.stores ? denies::kStores : denies::kLoads) | selection_.audience;
    const bool owned = selection_.owner != Mmu::kNobody;
    const std::uint64_t address = event.page << kPageShift;
    const OwnerKeys keys = owned ? second_->keys(selection_.owner) : OwnerKeys{};
    if (const SecondLevelTlb::Entry found = second_->find(address, keys);
        found && (found.denies() & needs) == 0) {
        leaf = {found.level, found.global};
        denied = found.denies();
    } else {
        if (found)
            second_->drop(address, keys);
        walk(event);
    }
    if (!event.kept || (denied & denies::kHost) != 0)
        return;
    const auto may = [&](Denials what) { return (denied & (what | selection_.audience)) == 0; };
    first.empty = false;
    entry.page = event.page;
    entry.kinds = static_cast<std::uint8_t>((may(denies::kLoads) ? 1 : 0) | (may(denies::kStores) ? 2 : 0));
    entry.level = static_cast<std::uint8_t>(leaf.level);
    entry.global = leaf.global;
}

void TlbModel::walk(const Event& event) {
    ++counts_.walks;
    if (!event.kept || selection_.owner == Mmu::kNobody)
        return;
    const std::uint64_t address = event.page << kPageShift;
    const std::size_t owner = owner_of(event.leaf);
    second_->insert(address, address, event.leaf.level, event.denies, owner);
    Known& known = known_[known_key(event.page, event.leaf.level, owner)];
    first_walks_ += !known.seen || known.denies != event.denies ? 1 : 0;
    known = {true, event.denies};
    if (!prefetcher_.is_on())
        return;
    if (const std::optional<std::uint64_t> next = prefetcher_.after_walk(address))
        prefetch(*next);
}

std::uint64_t TlbModel::known_key(std::uint64_t page, unsigned level, std::size_t owner) const {
    const std::uint64_t first = page & ~((page_size(level) >> kPageShift) - 1);
    return ((first << 5 | level << 3 | owner) ^ epochs_[owner] << 48) * 0x9e37'79b9'7f4a'7c15;
}

// The trace has no page tables: only what has been referred to before is found.
void TlbModel::prefetch(std::uint64_t address) {
    if (second_->contains(address, second_->keys(selection_.owner)))
        return;
    const std::size_t local = selection_.owner;
    const std::size_t shared = local < Mmu::kSpaces ? SecondLevelTlb::kGlobal : local;
    for (const std::size_t owner : {local, shared})
        for (unsigned level = 0; level < kLevels; ++level) {
            const auto known = known_.find(known_key(address >> kPageShift, level, owner));
            if (known == known_.end())
                continue;
            second_->insert(address, address, level, known->second.denies, owner, true);
            ++counts_.prefetches;
            return;
        }
}

void TlbModel::flush(const Flush& flush) {
    using Kind = Flush::Kind;
    if (flush.kind == Kind::Range)
        return flush_range(flush);
    for (std::size_t number = 0; number < Mmu::kDataContexts; ++number) {
        Context& first = context(flush.space, number);
        if (first.empty || (flush.kind == Kind::Context && number != flush.context))
            continue;
        for (Entry& entry : first.entries)
            if (flush.kind != Kind::Local || !entry.global)
                entry = {};
        first.empty = flush.kind != Kind::Local;
    }
    if (flush.kind != Kind::Space)
        return;
    second_->flush(flush.space);
    forget(flush.space);
    if (flush.space == SecondLevelTlb::kGlobal) {
        second_->flush(Mmu::kAlone);
        forget(Mmu::kAlone);
    }
}

void TlbModel::flush_range(const Flush& flush) {
    if (flush.size == 0)
        return;
    const std::uint64_t last = flush.address + (flush.size - 1);
    for (std::size_t number = 0; number < Mmu::kDataContexts; ++number)
        for (Entry& entry : context(flush.space, number).entries) {
            const std::uint64_t size = page_size(entry.level);
            const std::uint64_t begin = entry.page << kPageShift & ~(size - 1);
            if (last < flush.address || (begin <= last && flush.address <= begin + (size - 1)))
                entry = {};
        }
    second_->flush(flush.space, flush.address, flush.size);
    forget(flush);
}

void TlbModel::forget(const Flush& range) {
    constexpr std::uint64_t kFew = 64;
    if (range.size > kFew * kPageSize)
        return forget(range.space);
    for (std::uint64_t at = 0; at < range.size; at += kPageSize)
        for (unsigned level = 0; level < kLevels; ++level)
            known_.erase(known_key((range.address + at) >> kPageShift, level, range.space));
}

} // namespace ashlar::bench
