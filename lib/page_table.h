// One engine for every radix page table: the host's own, second-level ones, the translator's. A Format says
// how entries look, a Memory where tables live.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lib/address.h"
#include "lib/assert.h"
#include "lib/result.h"

namespace ashlar {

// What PageTable needs from a Format. Level 1 maps 4 KiB pages; each level above maps 512 times as much.
//   Input, Output           address types of what is translated, and of the result (and of tables)
//   Rights                  a regular type
//   kLevels, kInputBits     depth, and how many low bits of Input are translated
//   leaf(Output, level, Rights), table(Output)               -> entry
//   is_present(entry), is_leaf(entry, level)                 -> bool; is_leaf only of present entries
//   address(entry, level), rights(entry), table_address(entry)
// And from a Memory:
//   allocate() -> Result<Output>    a table filled with zeros (which are absent entries)
//   free(Output)
//   load(Output table, index) -> entry, store(Output table, index, entry)
//
// Not synchronized. Entries are stored one at a time and in an order that a concurrent hardware walk may see:
// a table is complete before it is linked. Invalidating cached translations after unmap() and protect() is
// the caller's duty.
template <class Format, class Memory>
class PageTable {
public:
    using Input = typename Format::Input;
    using Output = typename Format::Output;
    using Rights = typename Format::Rights;
    using Entry = std::uint64_t;
    static constexpr unsigned kEntries = 512;

    struct Mapping {
        Output address; // of the byte asked for
        std::uint64_t leaf_size;
        Rights rights;
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
        other.memory_ = nullptr;
    }
    PageTable(const PageTable&) = delete;
    PageTable& operator=(const PageTable&) = delete;
    ~PageTable() {
        if (memory_ != nullptr)
            free_tables(root_, Format::kLevels);
    }

    Output root() const { return root_; }

    // Maps [from, from+size) with the largest leaves that alignment allows. Misaligned below page
    // granularity, OutOfRange beyond the input's width, Overlap when part is mapped, OutOfMemory; nothing has
    // changed then.
    Status map(Input from, Output to, std::uint64_t size, const Rights& rights) {
        const Range range = ASHLAR_TRY(check(from, size));
        if (!to.is_aligned(kPageSize))
            return Error::Misaligned;
        if (!is_unmapped(root_, Format::kLevels, range))
            return Error::Overlap;
        const Status status = map_in(root_, Format::kLevels, range, to, rights);
        if (!status.ok())
            unmap_in(root_, Format::kLevels, range);
        return status;
    }

    // Removes what is mapped in the range and the tables that it leaves empty; leaves that reach out of it
    // are split. OutOfMemory without a table for that; nothing has changed then.
    Status unmap(Input from, std::uint64_t size) {
        const Range range = ASHLAR_TRY(check(from, size));
        ASHLAR_TRY(split_edges(range));
        unmap_in(root_, Format::kLevels, range);
        return {};
    }

    // Gives what is mapped in the range new rights; otherwise like unmap().
    Status protect(Input from, std::uint64_t size, const Rights& rights) {
        return change(from, size, [&](const Rights&) { return rights; });
    }
    // Likewise, with change_rights(rights so far) as the new ones.
    template <class ChangeRights>
    Status change(Input from, std::uint64_t size, ChangeRights&& change_rights) {
        const Range range = ASHLAR_TRY(check(from, size));
        ASHLAR_TRY(split_edges(range));
        change_in(root_, Format::kLevels, range, change_rights);
        return {};
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
                const std::uint64_t size = size_of(level);
                return Mapping{Format::address(entry, level) + (input & (size - 1)), size,
                               Format::rights(entry)};
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
    static constexpr unsigned kIndexBits = 9;
    static constexpr std::uint64_t kInputSize = std::uint64_t{1} << Format::kInputBits;
    static constexpr std::uint64_t kInputMask = kInputSize - 1;
    static_assert(Format::kInputBits < 64 && Format::kInputBits <= kPageShift + kIndexBits * Format::kLevels);

    // Of translated input bits, so that the end never wraps.
    struct Range {
        std::uint64_t begin, end;
    };

    PageTable(Memory& memory, Output root, unsigned largest_level)
        : memory_(&memory), root_(root), largest_level_(largest_level) {}

    static constexpr std::uint64_t size_of(unsigned level) {
        return std::uint64_t{1} << (kPageShift + kIndexBits * (level - 1));
    }
    static constexpr unsigned index_of(std::uint64_t input, unsigned level) {
        return static_cast<unsigned>(input >> (kPageShift + kIndexBits * (level - 1))) & (kEntries - 1);
    }
    static Result<Range> check(Input from, std::uint64_t size) {
        if (!from.is_aligned(kPageSize) || size % kPageSize != 0)
            return Error::Misaligned;
        const std::uint64_t begin = from.value() & kInputMask;
        if (!Format::is_canonical(from) || size > kInputSize - begin)
            return Error::OutOfRange;
        return Range{begin, begin + size};
    }

    // Calls step(index, part of the range below that entry) for each entry of a table that the range touches.
    template <class Step>
    static void for_each_entry(unsigned level, const Range& range, Step&& step) {
        for (std::uint64_t begin = range.begin; begin < range.end;) {
            const std::uint64_t end = std::min(range.end, (begin | (size_of(level) - 1)) + 1);
            if (!step(index_of(begin, level), Range{begin, end}))
                return;
            begin = end;
        }
    }

    bool is_unmapped(Output table, unsigned level, const Range& range) const {
        bool unmapped = true;
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (Format::is_present(entry))
                unmapped = level != 1 && !Format::is_leaf(entry, level) &&
                           is_unmapped(Format::table_address(entry), level - 1, part);
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

    // Makes both ends of the range ends of leaves.
    Status split_edges(const Range& range) {
        ASHLAR_TRY(split_at(range.begin));
        if (range.end != kInputSize)
            ASHLAR_TRY(split_at(range.end));
        return {};
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
                entry = ASHLAR_TRY(split(table, index, level, entry));
            table = Format::table_address(entry);
        }
        return {};
    }
    Result<Entry> split(Output table, unsigned index, unsigned level, Entry leaf) {
        const Output child = ASHLAR_TRY(memory_->allocate());
        Output to = Format::address(leaf, level);
        for (unsigned i = 0; i < kEntries; ++i) {
            memory_->store(child, i, Format::leaf(to, level - 1, Format::rights(leaf)));
            to += size_of(level - 1);
        }
        const Entry entry = Format::table(child);
        memory_->store(table, index, entry);
        return entry;
    }

    // The range's edges are those of leaves.
    void unmap_in(Output table, unsigned level, const Range& range) {
        for_each_entry(level, range, [&](unsigned index, const Range& part) {
            const Entry entry = memory_->load(table, index);
            if (!Format::is_present(entry))
                return true;
            if (level != 1 && !Format::is_leaf(entry, level)) {
                const Output child = Format::table_address(entry);
                unmap_in(child, level - 1, part);
                if (!is_empty(child))
                    return true;
                memory_->store(table, index, 0);
                memory_->free(child);
            } else {
                memory_->store(table, index, 0);
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
            if (!Format::is_present(entry))
                return true;
            if (level == 1 || Format::is_leaf(entry, level))
                memory_->store(
                    table, index,
                    Format::leaf(Format::address(entry, level), level, change_rights(Format::rights(entry))));
            else
                change_in(Format::table_address(entry), level - 1, part, change_rights);
            return true;
        });
    }

    template <class Visitor>
    void visit_leaves(Output table, unsigned level, std::uint64_t base, Visitor& visit) const {
        for (unsigned index = 0; index < kEntries; ++index) {
            const Entry entry = memory_->load(table, index);
            const std::uint64_t input = base + index * size_of(level);
            if (!Format::is_present(entry))
                continue;
            if (level == 1 || Format::is_leaf(entry, level))
                visit(input, Mapping{Format::address(entry, level), size_of(level), Format::rights(entry)});
            else
                visit_leaves(Format::table_address(entry), level - 1, input, visit);
        }
    }

    void free_tables(Output table, unsigned level) {
        for (unsigned index = 0; level != 1 && index < kEntries; ++index) {
            const Entry entry = memory_->load(table, index);
            if (Format::is_present(entry) && !Format::is_leaf(entry, level))
                free_tables(Format::table_address(entry), level - 1);
        }
        memory_->free(table);
    }

    Memory* memory_;
    Output root_;
    unsigned largest_level_;
};

} // namespace ashlar
