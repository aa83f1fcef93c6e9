// Page tables that are not linked any more, but that CPUs may still walk, since they have cached where they
// are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/assert.h"

namespace ashlar {

// Format and Memory as of PageTable.
template <class Format, class Memory>
class RetiredTables {
public:
    using Output = typename Format::Output;
    static constexpr std::uint64_t kUse = Format::kAccessed | Format::kDirty;

    bool empty() const { return count_ == 0; }
    bool full() const { return count_ == kMax; }

    void add(Output table) { add({table, {}, 0, 0}); }
    // A table in whose place a leaf is now: entry `index` of `parent`, which is a table of that level. CPUs
    // that do not know go on to note uses in the table.
    void add_merged(Output table, Output parent, unsigned index, unsigned level) {
        add({table, parent, index, level});
    }

    // Frees all; no CPU may walk them any more.
    void release(Memory& memory) {
        // In the order of retirement: a table may have been merged into one that is here, too.
        for (std::size_t i = 0; i < count_; ++i)
            if (tables_[i].level != 0)
                take_over_uses(memory, tables_[i]);
        for (std::size_t i = 0; i < count_; ++i)
            memory.free(tables_[i].table);
        count_ = 0;
    }

private:
    struct Table {
        Output table, parent;
        unsigned index, level; // level 0: of an empty table
    };
    static constexpr std::size_t kMax = 16, kEntries = 512;

    void add(const Table& table) {
        ASHLAR_ASSERT(!full());
        tables_[count_++] = table;
    }
    // When the leaf is another one by now, it gets reported as used once too often.
    static void take_over_uses(Memory& memory, const Table& retired) {
        std::uint64_t use = 0;
        for (unsigned i = 0; i < kEntries; ++i)
            use |= memory.load(retired.table, i) & kUse;
        std::uint64_t entry = memory.load(retired.parent, retired.index);
        while (Format::is_present(entry) && Format::is_leaf(entry, retired.level) && (entry | use) != entry)
            if (memory.compare_exchange(retired.parent, retired.index, entry, entry | use))
                return;
    }

    std::size_t count_ = 0;
    std::array<Table, kMax> tables_{};
};

} // namespace ashlar
