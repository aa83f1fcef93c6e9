// Frames of one VM as the tables of its address space: a Memory of lib/page_table.h.
#pragma once

#include "kernel/memory_source.h"
#include "kernel/shootdown.h"
#include "lib/table_entries.h"

namespace ashlar::kernel {

class TableFrames {
public:
    // `memory` outlives it, and says from which node tables come.
    explicit TableFrames(MemorySource& memory) : memory_(memory) {}

    Result<PhysicalAddress> allocate() { return memory_.allocate_zeroed(0); }
    void free(PhysicalAddress table) { memory_.free(table, 0); }
    std::uint64_t load(PhysicalAddress table, unsigned index) const {
        return load_entry(entries(table)[index]);
    }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        store_entry(entries(table)[index], entry);
    }
    bool compare_exchange(PhysicalAddress table, unsigned index, std::uint64_t& expected,
                          std::uint64_t entry) {
        return compare_exchange_entry(entries(table)[index], expected, entry);
    }
    void invalidate() { shootdown_.invalidate(); }

    Shootdown& shootdown() { return shootdown_; }
    const Shootdown& shootdown() const { return shootdown_; }

private:
    static std::uint64_t* entries(PhysicalAddress table) {
        return static_cast<std::uint64_t*>(arch::physical_to_virtual(table));
    }
    MemorySource& memory_;
    Shootdown shootdown_;
};

} // namespace ashlar::kernel
