// Random use against a model that knows of every page where it is mapped, with what rights, and whether it
// has been written. Tables are compared page by page, and in number: there must be as few as can be.
#include <random>

#include "recording_memory.h"

namespace ashlar {
namespace {

constexpr std::uint64_t kPages = 3 * (k1G / k4K);

struct Page {
    std::uint64_t output = 0; // 0: not mapped
    arch::PageRights rights;
    bool operator==(const Page&) const = default;
};

class Model {
public:
    struct Range {
        std::uint64_t first, count; // in pages
        std::uint64_t from() const { return first * k4K; }
        std::uint64_t size() const { return count * k4K; }
    };

    bool is_free(const Range& range) const {
        return all_of(range, [](const Page& page) { return page.output == 0; });
    }
    void map(const Range& range, std::uint64_t to, arch::PageRights rights) {
        for (std::uint64_t i = 0; i < range.count; ++i)
            pages[range.first + i] = {to + i * k4K, rights};
    }
    void unmap(const Range& range) {
        for (std::uint64_t i = range.first; i < range.first + range.count; ++i) {
            pages[i] = {};
            written[i] = false;
        }
    }
    void protect(const Range& range, arch::PageRights rights) {
        for (std::uint64_t i = range.first; i < range.first + range.count; ++i)
            if (pages[i].output != 0)
                pages[i].rights = rights;
    }
    // Without the root: what is mapped needs them when leaves are as large as can be.
    std::size_t fewest_tables() const {
        bool is_leaf;
        std::size_t tables = 0;
        for (std::uint64_t first = 0; first < kPages; first += 512 * 512)
            tables += tables_below(first, 3, is_leaf);
        return tables + (is_free({0, kPages}) ? 0 : 1);
    }

    std::vector<Page> pages = std::vector<Page>(kPages);
    std::vector<bool> written = std::vector<bool>(kPages);

private:
    template <class Predicate>
    bool all_of(const Range& range, Predicate predicate) const {
        const auto begin = pages.begin() + static_cast<std::ptrdiff_t>(range.first);
        return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(range.count), predicate);
    }
    std::size_t tables_below(std::uint64_t first, unsigned level, bool& is_leaf) const {
        const Page& page = pages[first];
        if (level == 1) {
            is_leaf = page.output != 0;
            return 0;
        }
        const std::uint64_t size = std::uint64_t{1} << (9 * (level - 1)), part = size / 512;
        if (is_free({first, size})) {
            is_leaf = false;
            return 0;
        }
        is_leaf = page.output != 0 && page.output % (size * k4K) == 0;
        std::size_t tables = 1;
        for (std::uint64_t at = first; at < first + size; at += part) {
            bool part_is_leaf;
            tables += tables_below(at, level - 1, part_is_leaf);
            is_leaf = is_leaf && part_is_leaf && pages[at].rights == page.rights &&
                      pages[at].output == page.output + (at - first) * k4K;
        }
        return is_leaf ? 0 : tables;
    }
};

class ModelTest : public PageTableTest, public testing::WithParamInterface<unsigned> {
protected:
    ModelTest() {
        memory.on_invalidate = [this] { write_where_known(); };
    }

    std::uint64_t below(std::uint64_t n) { return random() % n; }

    // Of single pages up to gibibytes, mostly with round ends.
    Model::Range any_range() {
        static constexpr std::uint64_t kUnits[] = {1, 1, 1, 512, 512, 512 * 512};
        const std::uint64_t unit = kUnits[below(std::size(kUnits))];
        std::uint64_t first = below(kPages / unit) * unit;
        std::uint64_t last = std::min(first + unit * (1 + below(unit == 1 ? 600 : 3)), kPages);
        if (below(4) == 0)
            first = std::min(first + below(3), last - 1);
        if (below(4) == 0)
            last = std::max(last - below(3), first + 1);
        return {first, last - first};
    }
    // Mostly so that neighbours continue each other.
    std::uint64_t any_output(const Model::Range& range) {
        static constexpr std::uint64_t kOffsets[] = {4 * k1G, 4 * k1G,       4 * k1G,      4 * k1G,
                                                     8 * k1G, 4 * k1G + k2M, 4 * k1G + k4K};
        return range.from() + kOffsets[below(std::size(kOffsets))];
    }
    arch::PageRights any_rights() { return below(4) == 0 ? kReadOnly : kReadWrite; }

    void step() {
        const Model::Range range = any_range();
        const std::size_t tables_before = memory.table_count();
        memory.limit = below(8) == 0 ? tables_before + below(3) : 100'000;
        Status status;
        switch (below(8)) {
        case 0:
        case 1:
        case 2: {
            const std::uint64_t to = any_output(range);
            const arch::PageRights rights = any_rights();
            const bool free = model.is_free(range);
            status = map(range.from(), to, range.size(), rights);
            ASSERT_TRUE(free ? status.ok() || status.error() == Error::OutOfMemory
                             : status.error() == Error::Overlap);
            if (status.ok())
                model.map(range, to, rights);
            break;
        }
        case 3:
        case 4:
            status = unmap(range.from(), range.size());
            if (status.ok())
                model.unmap(range);
            break;
        case 5:
        case 6: {
            const arch::PageRights rights = any_rights();
            status = protect(range.from(), range.size(), rights);
            if (status.ok())
                model.protect(range, rights);
            break;
        }
        default: take_written(range);
        }
        if (!status.ok()) {
            ASSERT_TRUE(status.error() == Error::Overlap || memory.limit != 100'000);
            if (batches == 0) {
                ASSERT_EQ(memory.table_count(), tables_before);
            }
            ++failures;
        }
        compare_some(range);
    }

    void take_written(const Model::Range& range) {
        const auto forget = [&](std::uint64_t from, std::uint64_t size) {
            for (std::uint64_t page = from / k4K; page < (from + size) / k4K; ++page)
                model.written[page] = false;
        };
        ASSERT_TRUE(table.take_dirty(VirtualAddress(range.from()), range.size(), forget).ok());
        if (batches == 0) {
            for (std::uint64_t page = range.first; page < range.first + range.count; ++page)
                ASSERT_FALSE(model.written[page]);
        }
    }

    // A CPU writes a page, and keeps in mind where its leaf is.
    void write_some_page() {
        const std::uint64_t page = below(kPages);
        const auto place = find_leaf(memory, table, page * k4K);
        if (!place || !model.pages[page].rights.write)
            return;
        note_use(memory, *place, true);
        model.written[page] = true;
        known_page = page;
        known = *place;
        known_entry = memory.load(place->table, place->index) & ~std::uint64_t{0x60};
    }
    // Until it has been told, it writes there if the leaf is as it was.
    void write_where_known() {
        if (!known)
            return;
        const LeafPlace place = *known;
        known.reset();
        if ((memory.load(place.table, place.index) & ~std::uint64_t{0x60}) != known_entry)
            return;
        note_use(memory, place, true);
        late_write = known_page;
    }

    void compare_page(std::uint64_t page) {
        const auto mapping = table.translate(VirtualAddress(page * k4K + 5));
        ASSERT_EQ(mapping.ok(), model.pages[page].output != 0) << page;
        if (mapping.ok()) {
            ASSERT_EQ(mapping.value().address.value(), model.pages[page].output + 5) << page;
            ASSERT_EQ(mapping.value().rights, model.pages[page].rights) << page;
        }
    }
    void compare_some(const Model::Range& range) {
        for (const std::uint64_t page :
             {range.first, range.first + range.count - 1, range.first + range.count / 2, below(kPages)})
            compare_page(page);
        if (range.first != 0)
            compare_page(range.first - 1);
        if (range.first + range.count != kPages)
            compare_page(range.first + range.count);
    }
    void compare_all() {
        std::vector<Page> found(kPages);
        table.for_each_leaf([&](std::uint64_t from, const Table::Mapping& mapping) {
            for (std::uint64_t i = 0; i < mapping.leaf_size / k4K; ++i)
                found[from / k4K + i] = {mapping.address.value() + i * k4K, mapping.rights};
        });
        ASSERT_TRUE(found == model.pages);
        ASSERT_EQ(memory.table_count(), 1 + model.fewest_tables());
    }

    std::mt19937 random{GetParam()};
    Model model;
    unsigned batches = 0, failures = 0;
    std::optional<LeafPlace> known;
    std::uint64_t known_page = 0, known_entry = 0;
    std::optional<std::uint64_t> late_write;
};

TEST_P(ModelTest, EveryTranslationIsTheModels) {
    constexpr int kSteps = 8000;
    for (int i = 0; i < kSteps; ++i) {
        for (int writes = 0; writes < 3; ++writes)
            write_some_page();
        if (below(20) == 0 && batches < 2) {
            table.begin_batch();
            ++batches;
        } else if (below(8) == 0 && batches != 0) {
            table.end_batch();
            --batches;
        }
        ASSERT_NO_FATAL_FAILURE(step());
        if (late_write && model.pages[*late_write].output != 0)
            model.written[*late_write] = true;
        late_write.reset();
        if (i % 100 == 0 && batches == 0) {
            ASSERT_NO_FATAL_FAILURE(compare_all());
        }
    }
    for (; batches != 0; --batches)
        table.end_batch();
    ASSERT_NO_FATAL_FAILURE(compare_all());
    EXPECT_GT(failures, kSteps / 100);
    // Then: nothing is left
    memory.limit = 100'000;
    ASSERT_TRUE(unmap(0, kPages * k4K).ok());
    EXPECT_EQ(memory.table_count(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Values(1, 2, 3, 4));

} // namespace
} // namespace ashlar
