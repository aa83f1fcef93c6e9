#include "jit/engine_statistics.h"

#include <algorithm>

namespace ashlar::jit {

namespace {

std::string_view name_of(interpreter::Exit::Kind kind) {
    using Kind = interpreter::Exit::Kind;
    switch (kind) {
    case Kind::Budget: return "budget";
    case Kind::Lookup: return "lookup";
    case Kind::Exception: return "exception";
    case Kind::Illegal: return "illegal_instruction";
    case Kind::Helper: return "helper";
    case Kind::CodeChanged: return "code_changed";
    case Kind::Promote: return "promote";
    case Kind::Region: return "region";
    case Kind::Surprise: return "surprise";
    }
    return "unknown";
}

void report_regions(const EngineStatistics& statistics, Facts& facts) {
    const TierStatistics& tier = statistics.tiers[2];
    if (tier.units != 0)
        facts.add_ratio("regions", "guest_instructions_each", tier.guest_instructions, tier.units);
    if (tier.guest_instructions != 0)
        facts.add_ratio("regions", "bytes_per_instruction", tier.bytes, tier.guest_instructions);
    facts.add("regions", "refused", statistics.regions_refused);
    facts.add("regions", "dropped", statistics.regions_dropped);
    facts.add("regions", "formed_anew", statistics.regions_formed_anew);
    facts.add("regions", "confirmed", statistics.regions_confirmed);
    facts.add("regions", "probes_found", statistics.probes_found);
    facts.add("regions", "probes_failed", statistics.probes_failed);
    facts.add("regions", "extents_missed", statistics.extents_missed);
    facts.add("regions", "evicted", statistics.regions_evicted);
    facts.add("regions", "postponed", statistics.regions_postponed);
    facts.add("regions", "discarded", statistics.regions_discarded);
    facts.add("regions", "renewed", statistics.regions_renewed);
    facts.add("regions", "demoted", statistics.regions_demoted);
    if (!statistics.counts_regions)
        return;
    std::uint64_t entries = 0; // as often as they are left
    for (const LeaveStatistics& leave : statistics.leaves)
        entries += leave.times;
    facts.add("regions", "entries", entries);
    facts.add_ratio("regions", "instructions_per_entry", statistics.region_instructions, entries);
    facts.add("regions", "jumps_followed", statistics.jumps_followed);
    facts.add("regions", "jumps_missed", statistics.jumps_missed);
    for (std::size_t i = 0; i < statistics.leaves.size(); ++i)
        facts.add("region_exits", name_of(static_cast<optimizer::Leave>(i)), statistics.leaves[i].times);
    for (std::size_t i = 0; i < statistics.leaves.size(); ++i)
        facts.add("instructions_after", name_of(static_cast<optimizer::Leave>(i)),
                  statistics.leaves[i].outside);
}

void report(const mmu::TlbCounts& tlb, Facts& facts) {
    if (tlb.hits != 0)
        facts.add("guest", "tlb_hits", tlb.hits);
    facts.add("guest", "tlb_misses", tlb.misses);
    facts.add("guest", "page_walks", tlb.walks);
    facts.add("guest", "tlb_evictions", tlb.evictions);
    if (tlb.prefetches == 0)
        return;
    facts.add("guest", "tlb_prefetches", tlb.prefetches);
    facts.add("guest", "tlb_prefetches_useful", tlb.useful_prefetches);
}

} // namespace

void report(const EngineStatistics& statistics, Facts& facts) {
    static constexpr std::string_view kTier[] = {"tier0", "tier1", "tier2"};
    static_assert(std::size(kTier) == EngineStatistics::kTiers);
    for (std::size_t i = 0; i < EngineStatistics::kTiers; ++i) {
        const TierStatistics& tier = statistics.tiers[i];
        facts.add(kTier[i], "units", tier.units);
        facts.add(kTier[i], "guest_instructions", tier.guest_instructions);
        facts.add(kTier[i], "bytes", tier.bytes);
        if (const std::uint64_t ns = tier.compiling.ns + tier.beside_ns; ns != 0) {
            facts.add(kTier[i], "compile_ns", ns);
            facts.add(kTier[i], "compile_ns_per_instruction",
                      ns / std::max<std::uint64_t>(tier.guest_instructions, 1));
            facts.add(kTier[i], "compile_ns_beside", tier.beside_ns);
            facts.add(kTier[i], "longest_compile_ns", tier.compiling.longest_ns);
            facts.add(kTier[i], "compiles_over_1ms", tier.compiling.long_ones);
        }
    }
    report_regions(statistics, facts);
    facts.add("code", "flushes", statistics.flushes);
    facts.add("code", "evictions", statistics.evictions);
    facts.add("code", "pages_evicted", statistics.pages_evicted);
    facts.add("code", "blocks_evicted", statistics.blocks_evicted);
    facts.add("code", "pages_kept", statistics.pages_kept);
    if (statistics.evicting.ns != 0) {
        facts.add("code", "eviction_ns", statistics.evicting.ns);
        facts.add("code", "longest_eviction_ns", statistics.evicting.longest_ns);
    }
    facts.add("code", "pages_invalidated", statistics.pages_invalidated);
    facts.add("code", "blocks_invalidated", statistics.blocks_invalidated);
    facts.add("code", "links", statistics.links);
    facts.add("code", "host_code_links", statistics.native_links);
    facts.add("code", "lookups", statistics.block_lookups);
    facts.add("code", "jump_cache_misses", statistics.jump_cache_misses);
    facts.add("exits", "all", statistics.executions);
    for (std::size_t i = 0; i < statistics.exits.size(); ++i)
        facts.add("exits", name_of(static_cast<interpreter::Exit::Kind>(i)), statistics.exits[i]);
    facts.add("guest", "exceptions", statistics.exceptions);
    facts.add("guest", "interrupts", statistics.interrupts);
    report(statistics.tlb, facts);
}

} // namespace ashlar::jit
