// The regions that exist, by name.
#pragma once

#include <memory>

#include "jit/region_former.h"

namespace ashlar::jit {

struct RegionRecord {
    Block* root = nullptr;           // nullptr: the name is free
    const std::byte* code = nullptr; // at its executable address
    const void* generation_site = nullptr;
    RegionFormer::Pages pages;
    std::uint64_t born = 0;     // by the count of regions
    std::uint16_t next = 0;     // free name
    bool is_dead = false;       // a page was written to
    bool is_looked_for = false; // its block counts, to see whether it runs
};

// Not synchronized.
class RegionRecords {
public:
    static constexpr std::size_t kCapacity = 16384;
    static constexpr std::uint16_t kNone = Block::kNoRegion;
    static_assert(kCapacity <= kNone);

    // The name of a new record, which is the caller's to fill; kNone when there are too many, or no memory.
    std::uint16_t claim();
    // The record of a claimed name is complete.
    void note(std::uint16_t name);
    void remove(std::uint16_t name);
    RegionRecord& operator[](std::uint64_t name) {
        ASHLAR_ASSERT(name < count_);
        return chunks_[name / kChunk][name % kChunk];
    }
    void page_written(GuestPhysicalAddress page);
    void clear();
    // Calls visit(name) for each; it may remove that one.
    template <class Visit>
    void for_each(Visit visit) {
        for (std::size_t name = 0; name < count_; ++name)
            if ((*this)[name].root != nullptr)
                visit(static_cast<std::uint16_t>(name));
    }

private:
    static constexpr std::size_t kChunk = 1024;
    // Regions with pages of a number's hash: most pages that are written to are in none.
    static constexpr std::size_t kHashes = 4096;
    static std::size_t hash(GuestPhysicalAddress page) { return page.value() >> kPageShift & (kHashes - 1); }

    std::array<std::unique_ptr<RegionRecord[]>, kCapacity / kChunk> chunks_{}; // allocated as needed
    std::array<std::uint32_t, kHashes> of_page_{};
    std::size_t count_ = 0; // names given since clear()
    std::uint64_t born_ = 0;
    std::uint16_t free_ = kNone;
};

} // namespace ashlar::jit
