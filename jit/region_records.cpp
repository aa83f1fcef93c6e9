#include "jit/region_records.h"

namespace ashlar::jit {

std::uint16_t RegionRecords::claim() {
    std::uint16_t name = free_;
    if (name != kNone) {
        free_ = (*this)[name].next;
    } else {
        if (count_ == kCapacity)
            return kNone;
        std::unique_ptr<RegionRecord[]>& chunk = chunks_[count_ / kChunk];
        if (chunk == nullptr)
            chunk.reset(new (std::nothrow) RegionRecord[kChunk]);
        if (chunk == nullptr)
            return kNone;
        name = static_cast<std::uint16_t>(count_++);
    }
    (*this)[name] = {};
    return name;
}

void RegionRecords::note(std::uint16_t name) {
    RegionRecord& record = (*this)[name];
    record.born = ++born_;
    for (const RegionPage& page : record.pages)
        ++of_page_[hash(page.physical)];
}

void RegionRecords::remove(std::uint16_t name) {
    RegionRecord& record = (*this)[name];
    if (record.born != 0)
        for (const RegionPage& page : record.pages)
            --of_page_[hash(page.physical)];
    record.root = nullptr;
    record.next = free_;
    free_ = name;
}

void RegionRecords::page_written(GuestPhysicalAddress page) {
    if (of_page_[hash(page)] == 0)
        return;
    for_each([&](std::uint16_t name) {
        for (const RegionPage& of : (*this)[name].pages)
            (*this)[name].is_dead = (*this)[name].is_dead || of.physical == page;
    });
}

void RegionRecords::clear() {
    count_ = 0;
    free_ = kNone;
    of_page_.fill(0);
}

} // namespace ashlar::jit
