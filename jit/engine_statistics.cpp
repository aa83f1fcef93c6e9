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
    }
    return "unknown";
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
        if (tier.compile_ns != 0) {
            facts.add(kTier[i], "compile_ns", tier.compile_ns);
            facts.add(kTier[i], "compile_ns_per_instruction",
                      tier.compile_ns / std::max<std::uint64_t>(tier.guest_instructions, 1));
        }
    }
    facts.add("code", "flushes", statistics.flushes);
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
    facts.add("guest", "tlb_misses", statistics.tlb_misses);
}

} // namespace ashlar::jit
