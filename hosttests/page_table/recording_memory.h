// What the tests of page tables share: tables in made-up memory that watches how they are used.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "arch/x86_64/page_table_format.h"
#include "lib/page_table.h"

namespace ashlar {

using Format = arch::LongModeFormat<VirtualAddress, PhysicalAddress>;
constexpr std::uint64_t k4K = 1 << 12, k2M = 1 << 21, k1G = 1 << 30;
constexpr arch::PageRights kReadOnly{}, kReadWrite{.write = true}, kCode{.execute = true};

// Fails the test when a table is freed that CPUs may still know.
class RecordingMemory {
public:
    std::size_t limit = 100'000;         // tables that may exist
    std::function<void()> on_store;      // after each change of an entry
    std::function<void()> on_invalidate; // while CPUs still use what they have cached
    unsigned invalidations = 0;

    Result<PhysicalAddress> allocate() {
        if (count_ == limit)
            return Error::OutOfMemory;
        ++count_;
        if (free_.empty()) {
            tables_.push_back(std::make_unique<Table>());
            return PhysicalAddress(kBase + (tables_.size() - 1) * kPageSize);
        }
        const PhysicalAddress table = free_.back();
        free_.pop_back();
        at(table) = {};
        return table;
    }
    void free(PhysicalAddress address) {
        Table& table = at(address);
        EXPECT_FALSE(table.freed);
        EXPECT_TRUE(!table.unlinked_at || *table.unlinked_at < invalidations);
        table.freed = true;
        table.entries.fill(0xdead);
        free_.push_back(address);
        --count_;
    }
    std::uint64_t load(PhysicalAddress table, unsigned index) const { return at(table).entries[index]; }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        std::uint64_t& stored = at(table).entries[index];
        note_unlinked(stored, entry);
        stored = entry;
        if (on_store)
            on_store();
    }
    bool compare_exchange(PhysicalAddress table, unsigned index, std::uint64_t& expected,
                          std::uint64_t entry) {
        const std::uint64_t found = load(table, index);
        if (found == expected)
            store(table, index, entry);
        const bool done = found == expected;
        expected = found;
        return done;
    }
    void invalidate() {
        if (on_invalidate)
            on_invalidate();
        ++invalidations;
    }
    std::size_t table_count() const { return count_; }

private:
    static constexpr std::uint64_t kBase = 0x7'0000'0000;
    struct Table {
        std::array<std::uint64_t, 512> entries{};
        bool freed = false;
        std::optional<unsigned> unlinked_at; // invalidations until then
    };
    Table& at(PhysicalAddress table) const { return *tables_.at((table.value() - kBase) / kPageSize); }
    // Addresses of tables lie where nothing is mapped to.
    void note_unlinked(std::uint64_t before, std::uint64_t after) {
        const std::uint64_t address = Format::table_address(before).value();
        if (address >= kBase && address - kBase < tables_.size() * kPageSize &&
            Format::table_address(after) != Format::table_address(before))
            at(PhysicalAddress(address)).unlinked_at = invalidations;
    }

    std::vector<std::unique_ptr<Table>> tables_;
    std::vector<PhysicalAddress> free_;
    std::size_t count_ = 0;
};

using Table = PageTable<Format, RecordingMemory>;

// Where a CPU's walk finds the leaf of an address.
struct LeafPlace {
    PhysicalAddress table;
    unsigned index, level;
};
inline std::optional<LeafPlace> find_leaf(const RecordingMemory& memory, const Table& table,
                                          std::uint64_t address) {
    PhysicalAddress at = table.root();
    for (unsigned level = 4;; --level) {
        const auto index = static_cast<unsigned>(address >> (12 + 9 * (level - 1)) & 511);
        const std::uint64_t entry = memory.load(at, index);
        if (!Format::is_present(entry))
            return std::nullopt;
        if (level == 1 || Format::is_leaf(entry, level))
            return LeafPlace{at, index, level};
        at = Format::table_address(entry);
    }
}
// What a CPU notes there.
inline void note_use(RecordingMemory& memory, const LeafPlace& place, bool write) {
    memory.store(place.table, place.index,
                 memory.load(place.table, place.index) | Format::kAccessed | (write ? Format::kDirty : 0));
}

class PageTableTest : public testing::Test {
protected:
    static Table make(RecordingMemory& memory, unsigned largest = 3) {
        return std::move(Table::create(memory, largest)).value();
    }
    std::uint64_t leaf_size(std::uint64_t address) const {
        const auto mapping = table.translate(VirtualAddress(address));
        return mapping.ok() ? mapping.value().leaf_size : 0;
    }
    std::uint64_t output(std::uint64_t address) const {
        return table.translate(VirtualAddress(address)).value().address.value();
    }
    arch::PageRights rights(std::uint64_t address) const {
        return table.translate(VirtualAddress(address)).value().rights;
    }
    Status map(std::uint64_t from, std::uint64_t to, std::uint64_t size,
               arch::PageRights new_rights = kReadWrite) {
        return table.map(VirtualAddress(from), PhysicalAddress(to), size, new_rights);
    }
    Status unmap(std::uint64_t from, std::uint64_t size) { return table.unmap(VirtualAddress(from), size); }
    Status protect(std::uint64_t from, std::uint64_t size, arch::PageRights new_rights) {
        return table.protect(VirtualAddress(from), size, new_rights);
    }
    void use(std::uint64_t address, bool write) {
        note_use(memory, find_leaf(memory, table, address).value(), write);
    }
    using Leaves = std::vector<std::pair<std::uint64_t, std::uint64_t>>; // from, size
    Leaves take_dirty(std::uint64_t from, std::uint64_t size) {
        Leaves leaves;
        EXPECT_TRUE(
            table.take_dirty(VirtualAddress(from), size, [&](auto... leaf) { leaves.emplace_back(leaf...); })
                .ok());
        return leaves;
    }
    Leaves take_accessed(std::uint64_t from, std::uint64_t size) {
        Leaves leaves;
        EXPECT_TRUE(table
                        .take_accessed(VirtualAddress(from), size,
                                       [&](auto... leaf) { leaves.emplace_back(leaf...); })
                        .ok());
        return leaves;
    }

    RecordingMemory memory;
    Table table = make(memory);
};

} // namespace ashlar
