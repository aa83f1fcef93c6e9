// A software TLB of any size and policy that a recorded trace is replayed through: the engine's second level
// behind a model of its first.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "jit/hosted/memory_trace.h"

namespace ashlar::bench {

struct TlbChoice {
    std::size_t first_level = 1024; // entries, a power of two
    jit::mmu::Replacement replacement = jit::mmu::Replacement::Lru;
    jit::mmu::Prefetch prefetch = jit::mmu::Prefetch::None;
};

class TlbModel {
public:
    explicit TlbModel(const TlbChoice& choice);

    void replay(const jit::hosted::MemoryTraceEvent& event);
    const TlbChoice& choice() const { return choice_; }
    jit::mmu::TlbCounts counts() const; // `hits` is 0: most were not recorded
    // Walks that a second level of any size would have needed.
    std::uint64_t first_walks() const { return first_walks_; }

private:
    struct Entry {
        std::uint64_t page = ~std::uint64_t{0};
        std::uint8_t kinds = 0, level = 0;
        bool global = false;
    };
    struct Context {
        std::vector<Entry> entries;
        bool empty = true;
    };
    // What a walk for a page would find, as far as references before have shown.
    struct Known {
        bool seen = false;
        jit::mmu::Denials denies = 0;
    };

    Context& context(std::size_t space, std::size_t number) {
        return contexts_[space * jit::mmu::Mmu::kDataContexts + number];
    }
    void refer(const jit::hosted::MemoryTraceEvent& event);
    void walk(const jit::hosted::MemoryTraceEvent& event);
    void prefetch(std::uint64_t address);
    void flush(const jit::mmu::Flush& flush);
    void flush_range(const jit::mmu::Flush& flush);
    std::size_t owner_of(const jit::mmu::PageKind& leaf) const;
    std::uint64_t known_key(std::uint64_t page, unsigned level, std::size_t owner) const;
    void forget(std::size_t owner) { ++epochs_[owner]; }
    void forget(const jit::mmu::Flush& range);

    TlbChoice choice_;
    std::vector<Context> contexts_;
    std::unique_ptr<jit::mmu::SecondLevelTlb> second_;
    jit::mmu::Prefetcher prefetcher_;
    std::unordered_map<std::uint64_t, Known> known_;
    std::array<std::uint64_t, jit::mmu::SecondLevelTlb::kOwners> epochs_{};
    jit::mmu::Selection selection_{0, 0};
    jit::mmu::TlbCounts counts_;
    std::uint64_t first_walks_ = 0;
};

} // namespace ashlar::bench
