// One engine for every radix page table: the host's own, second-level ones, the translator's. A Format says
// how entries look, a Memory where tables live.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/assert.h"
#include "lib/page_table_geometry.h"
#include "lib/result.h"
#include "lib/retired_tables.h"

namespace ashlar {

// What PageTable needs from a Format. Level 1 maps 4 KiB pages; each level above maps 512 times as much.
//   Input, Output           address types of what is translated, and of the result (and of tables)
//   Rights                  a regular type
//   kLevels, kInputBits     depth, and how many low bits of Input are translated
//   kAccessed, kDirty       bits that the CPU sets in a leaf when it is used, and written through; 0: it does
//   not leaf(Output, level, Rights), table(Output)               -> entry, neither accessed nor dirty
//   is_present(entry), is_leaf(entry, level)                 -> bool; is_leaf only of present entries
//   address(entry, level), rights(entry), table_address(entry)
// And from a Memory:
//   allocate() -> Result<Output>    a table filled with zeros (which are absent entries)
//   free(Output)
//   load(Output table, index) -> entry, store(Output table, index, entry), and
//   compare_exchange(Output table, index, entry& expected, entry) -> bool: as of std::atomic.
//   lib/table_entries.h invalidate()                    returns when no CPU uses what it has cached of
//   entries that were changed
//
// Not synchronized, but CPUs may walk the tables and set kAccessed and kDirty meanwhile. Whatever such a walk
// meets translates as before or as after: a table is complete before it is linked, and lives until the CPUs
// that may have cached where it is have been told. When a call returns, CPUs translate as it says (but see
// begin_batch).
//
// Leaves are as large as alignment and the rights of what surrounds them allow: split when a part changes and
// merged when the parts are alike again.
template <class Format, class Memory>
class PageTable : PageTableGeometry<Format> {
    using Geometry = PageTableGeometry<Format>;

public:
    using Input = typename Format::Input;
    using Output = typename Format::Output;
    using Rights = typename Format::Rights;
    using Entry = std::uint64_t;
    using Geometry::kEntries;

    struct Mapping {
        Output address; // of the byte asked for
        std::uint64_t leaf_size;
        Rights rights;
        bool accessed, dirty; // the leaf, since take_accessed() and take_dirty()
    };

    // An empty table. Leaves are at most those of `largest_level` (3: 1 GiB on a 4 KiB granule). `memory`
    // outlives the table.
    static Result<PageTable> create(Memory& memory, unsigned largest_level = 3) {
        ASHLAR_ASSERT(largest_level >= 1 && largest_level < Format::kLevels);
        const Output root = ASHLAR_TRY(memory.allocate());
        return PageTable(memory, root, largest_level);
    }
    PageTable(PageTable&& other) noexcept
        : memory_(other.memory_), root_(other.root_), largest_level_(other.largest_level_) {
        ASHLAR_ASSERT(other.retired_.empty() && other.batches_ == 0);
        other.memory_ = nullptr;
    }
    PageTable(const PageTable&) = delete;
    PageTable& operator=(const PageTable&) = delete;
    // No CPU uses it any more.
    ~PageTable() {
        if (memory_ == nullptr)
            return;
        retired_.release(*memory_);
        free_tables(root_, Format::kLevels);
    }

    Output root() const { return root_; }
    // Of leaves of that many bytes; 0 when there are none.
    static constexpr unsigned level_of(std::uint64_t leaf_size) {
        for (unsigned level = 1; level < Format::kLevels; ++level)
            if (size_of(level) == leaf_size)
                return level;
        return 0;
    }

    // From one to the other invalidation waits: what was unmapped may still be used, and what was protected
    // with the rights from before, until the last batch ends. Many calls so cost one invalidation.
    void begin_batch() { ++batches_; }
    void end_batch() {
        ASHLAR_ASSERT(batches_ != 0);
        --batches_;
        finish();
    }

    // Maps [from, from+size) with the largest leaves that alignment allows, together with what is mapped
    // beside it. Misaligned below page granularity, OutOfRange beyond the input's width, Overlap when part is
    // mapped, OutOfMemory; nothing has changed then.
    Status map(Input from, Output to, std::uint64_t size, const Rights& rights) {
        const Range range = ASHLAR_TRY(range_of(from, size));
        if (!to.is_aligned(kPageSize))
            return Error::Misaligned;
        if (!is_unmapped(root_, Format::kLevels, range))
            return Error::Overlap;
        const Status status = map_in(root_, Format::kLevels, range, to, rights);
        if (status.ok())
            merge_edges(range);
        else
            unmap_in(root_, Format::kLevels, range);
        finish();
        return status;
    }

    // Removes what is mapped in the range and the tables that it leaves empty; leaves that reach out of it
    // are split. OutOfMemory without a table for that; nothing has changed then.
    Status unmap(Input from, std::uint64_t size) {
        const Range range = ASHLAR_TRY(range_of(from, size));
        const Status status = split_edges(range);
        if (status.ok())
            unmap_in(root_, Format::kLevels, range);
        finish();
        return status;
    }

    // Gives what is mapped in the range new rights; otherwise like unmap().
    Status protect(Input from, std::uint64_t size, const Rights& rights) {
        return change(from, size, [&](const Rights&) { return rights; });
    }
    // Likewise, with change_rights(rights so far) as the new ones.
    template <class ChangeRights>
    Status change(Input from, std::uint64_t size, ChangeRights&& change_rights) {
        const Range range = ASHLAR_TRY(range_of(from, size));
        const Status status = split_edges(range);
        if (status.ok())
            change_in(root_, Format::kLevels, range, change_rights);
        finish();
        return status;
    }

    // Splits leaves in the range until none is above `level`, so that accessed and dirty are kept for smaller
    // pieces. map() and protect() may merge again what they touch. OutOfMemory: as many as there were tables
    // for.
    Status split(Input from, std::uint64_t size, unsigned level) {
        ASHLAR_ASSERT(level >= 1);
        const Range range = ASHLAR_TRY(range_of(from, size));
        const Status status = split_in(root_, Format::kLevels, range, level);
        finish();
        return status;
    }
    // Merges what can be in and around the range.
    Status merge(Input from, std::uint64_t size) {
        const Range range = ASHLAR_TRY(range_of(from, size));
        merge_in(root_, Format::kLevels, range);
        finish();
        return {};
    }

    // Calls visit(input offset, size) for every leaf in the range, or reaching into it, that has been used
    // (written through) since the last time, in ascending order. No use is missed: one that the CPU has yet
    // to note is reported the next time.
    template <class Visitor>
    Status take_accessed(Input from, std::uint64_t size, Visitor&& visit) {
        return take(from, size, Format::kAccessed, visit);
    }
    template <class Visitor>
    Status take_dirty(Input from, std::uint64_t size, Visitor&& visit) {
        return take(from, size, Format::kDirty, visit);
    }

    // Notes a use of the leaf at `address`, as CPUs do that note them, and has CPUs forget what they know of
    // it. Nothing when nothing is mapped there.
    void note_use(Input address, bool written) {
        const std::uint64_t input = address.value() & kInputMask;
        Output table = root_;
        for (unsigned level = Format::kLevels; Format::is_canonical(address); --level) {
            const unsigned index = index_of(input, level);
            const Entry entry = memory_->load(table, index);
            if (!Format::is_present(entry))
                return;
            if (!is_table(entry, level)) {
                update(table, index, entry,
                       [&](Entry now) { return now | Format::kAccessed | (written ? Format::kDirty : 0); });
                stale_ = true;
                return finish();
            }
            table = Format::table_address(entry);
        }
    }

    // NotFound when nothing is mapped there.
    Result<Mapping> translate(Input address) const {
        if (!Format::is_canonical(address))
            return Error::NotFound;
        const std::uint64_t input = address.value() & kInputMask;
        Output table = root_;
        for (unsigned level = Format::kLevels;; --level) {
            const Entry entry = memory_->load(table, index_of(input, level));
            if (!Format::is_present(entry))
                return Error::NotFound;
            if (level == 1 || Format::is_leaf(entry, level)) {
                Mapping mapping = mapping_of(entry, level);
                mapping.address += input & (mapping.leaf_size - 1);
                return mapping;
            }
            table = Format::table_address(entry);
        }
    }

    // Calls visit(input offset, Mapping) for every leaf in ascending order. The offset has the translated
    // bits of the input only.
    template <class Visitor>
    void for_each_leaf(Visitor&& visit) const {
        visit_leaves(root_, Format::kLevels, 0, visit);
    }

private:
    using Geometry::for_each_entry, Geometry::index_of, Geometry::range_of, Geometry::size_of;
    using Geometry::kInputMask, Geometry::kInputSize;
    using typename Geometry::Range;
    static constexpr Entry kUse = Format::kAccessed | Format::kDirty;

    PageTable(Memory& memory, Output root, unsigned largest_level)
        : memory_(&memory), root_(root), largest_level_(largest_level) {}

    static Mapping mapping_of(Entry leaf, unsigned level) {
        return {Format::address(leaf, level), size_of(level), Format::rights(leaf),
                (leaf & Format::kAccessed) != 0, (leaf & Format::kDirty) != 0};
    }
    static bool is_table(Entry entry, unsigned level) {
        return level != 1 && Format::is_present(entry) && !Format::is_leaf(entry, level);
    }
    bool is_unmapped(Output table, unsigned level, const Range& range) const {
        bool unmapped = true;
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (Format::is_present(entry))
                unmapped =
                    is_table(entry, level) && is_unmapped(Format::table_address(entry), level - 1, part);
            return unmapped;
        });
        return unmapped;
    }

    Status map_in(Output table, unsigned level, const Range& range, Output to, const Rights& rights) {
        Status status;
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const std::uint64_t size = part.end - part.begin;
            if (size == size_of(level) && level <= largest_level_ && to.is_aligned(size)) {
                memory_->store(table, index, Format::leaf(to, level, rights));
            } else {
                const Result<Output> child = child_table(table, index);
                const Status mapped =
                    child.ok() ? map_in(child.value(), level - 1, part, to, rights) : Status(child.error());
                if (!mapped.ok()) {
                    status = mapped;
                    return false;
                }
            }
            to += size;
            return true;
        });
        return status;
    }

    Result<Output> child_table(Output table, unsigned index) {
        const Entry entry = memory_->load(table, index);
        if (Format::is_present(entry))
            return Format::table_address(entry);
        const Output child = ASHLAR_TRY(memory_->allocate());
        memory_->store(table, index, Format::table(child));
        return child;
    }

    // Makes both ends of the range ends of leaves, or changes nothing.
    Status split_edges(const Range& range) {
        Status status = split_at(range.begin);
        if (status.ok() && range.end != kInputSize)
            status = split_at(range.end);
        if (!status.ok())
            merge_edges(range);
        return status;
    }
    Status split_at(std::uint64_t input) {
        Output table = root_;
        for (unsigned level = Format::kLevels; level > 1; --level) {
            if (input % size_of(level) == 0)
                return {};
            const unsigned index = index_of(input, level);
            Entry entry = memory_->load(table, index);
            if (!Format::is_present(entry))
                return {};
            if (Format::is_leaf(entry, level))
                entry = ASHLAR_TRY(split_leaf(table, index, level, entry));
            table = Format::table_address(entry);
        }
        return {};
    }
    Status split_in(Output table, unsigned level, const Range& range, unsigned largest) {
        Status status;
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            Entry entry = memory_->load(table, index);
            if (level > largest && Format::is_present(entry)) {
                if (Format::is_leaf(entry, level)) {
                    const Result<Entry> split = split_leaf(table, index, level, entry);
                    if (!split.ok()) {
                        status = split.error();
                        return false;
                    }
                    entry = split.value();
                }
                if (level - 1 > largest)
                    status = split_in(Format::table_address(entry), level - 1, part, largest);
            }
            return status.ok();
        });
        return status;
    }
    // Returns the entry that takes the leaf's place: a table of smaller ones, as accessed and as dirty.
    Result<Entry> split_leaf(Output table, unsigned index, unsigned level, Entry leaf) {
        if (!retired_.empty()) { // the leaf may have to take over uses
            settle();
            leaf = memory_->load(table, index);
        }
        const Output child = ASHLAR_TRY(memory_->allocate());
        const Entry entry = Format::table(child);
        do {
            Output to = Format::address(leaf, level);
            for (unsigned i = 0; i < kEntries; ++i) {
                memory_->store(child, i, Format::leaf(to, level - 1, Format::rights(leaf)) | (leaf & kUse));
                to += size_of(level - 1);
            }
        } while (!memory_->compare_exchange(table, index, leaf, entry));
        stale_ = true;
        return entry;
    }

    // What a range's change can have made alike with its surroundings lies in the tables above its two ends.
    void merge_edges(const Range& range) {
        if (range.begin == range.end)
            return;
        merge_above(root_, Format::kLevels, range.begin);
        merge_above(root_, Format::kLevels, range.end - 1);
    }
    void merge_above(Output table, unsigned level, std::uint64_t input) {
        const unsigned index = index_of(input, level);
        const Entry entry = memory_->load(table, index);
        if (!is_table(entry, level))
            return;
        merge_above(Format::table_address(entry), level - 1, input);
        merge_entry(table, index, level);
    }
    void merge_in(Output table, unsigned level, const Range& range) {
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (is_table(entry, level)) {
                merge_in(Format::table_address(entry), level - 1, part);
                merge_entry(table, index, level);
            }
            return true;
        });
    }
    // Makes a leaf of a table whose leaves continue one another.
    void merge_entry(Output table, unsigned index, unsigned level) {
        const Entry entry = memory_->load(table, index);
        if (level > largest_level_ || !is_table(entry, level))
            return;
        const Output child = Format::table_address(entry);
        const Entry first = memory_->load(child, 0);
        if (!Format::is_present(first) || is_table(first, level - 1))
            return;
        const Output to = Format::address(first, level - 1);
        const Rights rights = Format::rights(first);
        Entry use = 0;
        const auto continues = [&](unsigned i) {
            const Entry leaf = memory_->load(child, i);
            use |= leaf & kUse;
            return (leaf & ~kUse) == Format::leaf(to + i * size_of(level - 1), level - 1, rights);
        };
        // The last first: pages are mostly mapped in ascending order.
        if (!to.is_aligned(size_of(level)) || !continues(kEntries - 1))
            return;
        for (unsigned i = 0; i < kEntries - 1; ++i)
            if (!continues(i))
                return;
        memory_->store(table, index, Format::leaf(to, level, rights) | use);
        retired().add_merged(child, table, index, level);
    }

    // The range's edges are those of leaves.
    void unmap_in(Output table, unsigned level, const Range& range) {
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (!Format::is_present(entry))
                return true;
            if (is_table(entry, level)) {
                const Output child = Format::table_address(entry);
                unmap_in(child, level - 1, part);
                if (!is_empty(child))
                    return true;
                memory_->store(table, index, 0);
                retired().add(child);
            } else {
                memory_->store(table, index, 0);
                stale_ = true;
            }
            return true;
        });
    }
    bool is_empty(Output table) const {
        for (unsigned index = 0; index < kEntries; ++index)
            if (Format::is_present(memory_->load(table, index)))
                return false;
        return true;
    }

    template <class ChangeRights>
    void change_in(Output table, unsigned level, const Range& range, ChangeRights& change_rights) {
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (is_table(entry, level)) {
                change_in(Format::table_address(entry), level - 1, part, change_rights);
                merge_entry(table, index, level);
            } else if (Format::is_present(entry)) {
                const Entry changed =
                    Format::leaf(Format::address(entry, level), level, change_rights(Format::rights(entry)));
                update(table, index, entry, [&](Entry now) { return changed | (now & kUse); });
            }
            return true;
        });
    }
    // Replaces an entry by next(entry), whatever the CPU notes in it meanwhile.
    template <class Next>
    void update(Output table, unsigned index, Entry entry, Next&& next) {
        Entry wanted = next(entry);
        while (wanted != entry) {
            if (memory_->compare_exchange(table, index, entry, wanted)) {
                stale_ = true;
                return;
            }
            wanted = next(entry);
        }
    }

    template <class Visitor>
    Status take(Input from, std::uint64_t size, Entry use, Visitor& visit) {
        const Range range = ASHLAR_TRY(range_of(from, size));
        take_in(root_, Format::kLevels, range, use, visit);
        finish();
        return {};
    }
    template <class Visitor>
    void take_in(Output table, unsigned level, const Range& range, Entry use, Visitor& visit) {
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (is_table(entry, level)) {
                take_in(Format::table_address(entry), level - 1, part, use, visit);
            } else if (Format::is_present(entry) && (entry & use) != 0) {
                update(table, index, entry, [&](Entry now) { return now & ~use; });
                visit(part.begin & ~(size_of(level) - 1), size_of(level));
            }
            return true;
        });
    }

    // For a table that has just been unlinked.
    RetiredTables<Format, Memory>& retired() {
        if (retired_.full())
            settle();
        stale_ = true;
        return retired_;
    }
    void finish() {
        if (batches_ == 0)
            settle();
    }
    // Makes CPUs forget what is stale; then nobody walks the retired tables any more.
    void settle() {
        if (stale_)
            memory_->invalidate();
        stale_ = false;
        retired_.release(*memory_);
    }

    template <class Visitor>
    void visit_leaves(Output table, unsigned level, std::uint64_t base, Visitor& visit) const {
        for (unsigned index = 0; index < kEntries; ++index) {
            const Entry entry = memory_->load(table, index);
            const std::uint64_t input = base + index * size_of(level);
            if (!Format::is_present(entry))
                continue;
            if (!is_table(entry, level))
                visit(input, mapping_of(entry, level));
            else
                visit_leaves(Format::table_address(entry), level - 1, input, visit);
        }
    }

    void free_tables(Output table, unsigned level) {
        for (unsigned index = 0; level != 1 && index < kEntries; ++index) {
            const Entry entry = memory_->load(table, index);
            if (is_table(entry, level))
                free_tables(Format::table_address(entry), level - 1);
        }
        memory_->free(table);
    }

    Memory* memory_;
    Output root_;
    unsigned largest_level_;
    unsigned batches_ = 0;
    bool stale_ = false; // CPUs may have cached what is not so any more
    RetiredTables<Format, Memory> retired_;
};

} // namespace ashlar
