// Regions across several pages, which hold only while those pages are where they were.
#pragma once

#include <memory>

#include "jit/region_former.h"

namespace ashlar::jit {

struct RegionRecord {
    const interpreter::Op* root = nullptr;
    const void* generation_site = nullptr;
    RegionFormer::Pages pages;
    bool dead = false; // a page was written to
};

// Names are given until clear(). Not synchronized.
class RegionRecords {
public:
    static constexpr std::size_t kCapacity = 8192;

    Status reserve() {
        records_.reset(new (std::nothrow) RegionRecord[kCapacity]);
        return records_ != nullptr ? Status{} : Status{Error::OutOfMemory};
    }
    bool full() const { return count_ == kCapacity; }
    // The name that the next add() gives.
    std::uint64_t next() const { return count_; }
    void add(const RegionRecord& record) {
        ASHLAR_ASSERT(!full());
        records_[count_++] = record;
    }
    RegionRecord& operator[](std::uint64_t name) {
        ASHLAR_ASSERT(name < count_);
        return records_[name];
    }
    void page_written(GuestPhysicalAddress page) {
        for (std::size_t i = 0; i < count_; ++i)
            for (const RegionPage& of : records_[i].pages)
                if (of.physical == page)
                    records_[i].dead = true;
    }
    void clear() { count_ = 0; }

private:
    std::unique_ptr<RegionRecord[]> records_;
    std::size_t count_ = 0;
};

} // namespace ashlar::jit
