// The hypervisor's own page tables: the direct map of physical memory and what an architecture adds to it.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "arch/cpu.h"
#include "kernel/boot_information.h"
#include "kernel/usable_memory.h"
#include "lib/format.h"
#include "lib/page_table.h"
#include "lib/table_entries.h"

namespace ashlar::kernel {

// A run of physical addresses.
struct Piece {
    std::uint64_t begin = 0, end = 0;
    constexpr std::uint64_t size() const { return begin < end ? end - begin : 0; }
};

// The largest run of usable memory within `reach` that nobody uses.
inline Piece find_early_memory(const BootInformation& boot, Piece reach) {
    Piece best;
    for_each_usable_run(boot, [&](std::uint64_t begin, std::uint64_t end) {
        const Piece piece{std::max(begin << kPageShift, reach.begin), std::min(end << kPageShift, reach.end)};
        if (piece.size() > best.size())
            best = piece;
    });
    return best;
}

// Tables before and after the frame allocator exists come from one run of usable memory, taken downwards: a
// Memory of lib/page_table.h. `Host` is that of HostTables.
template <class Host>
class EarlyFrames {
public:
    void initialize(PhysicalAddress begin, PhysicalAddress end) {
        begin_ = begin;
        cursor_ = end;
    }
    Result<PhysicalAddress> allocate() {
        if (cursor_ - begin_ < kPageSize)
            return Error::OutOfMemory;
        cursor_ = cursor_ - kPageSize;
        std::memset(arch::physical_to_virtual(cursor_), 0, kPageSize);
        return cursor_;
    }
    void free(PhysicalAddress) {} // tables of the hypervisor are never torn down
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
    void invalidate() { Host::invalidate(); }
    PhysicalAddress cursor() const { return cursor_; }

private:
    static std::uint64_t* entries(PhysicalAddress table) {
        return static_cast<std::uint64_t*>(arch::physical_to_virtual(table));
    }
    PhysicalAddress begin_, cursor_;
};

// Sorts and joins what is to be in the direct map, so that leaves get as large as can be.
class DirectMapPieces {
public:
    void add_memory(const BootInformation& boot) {
        using Kind = MemoryRange::Kind;
        for (std::size_t i = 0; i < boot.range_count; ++i) {
            const MemoryRange& range = boot.ranges[i];
            if (range.kind == Kind::Usable)
                add_usable(boot, pages_of(range));
            else if (range.kind == Kind::AcpiReclaimable || range.kind == Kind::AcpiNvs)
                add(pages_of(range));
        }
        if (boot.bundle_size != 0)
            add(pages_of({boot.bundle, boot.bundle_size, Kind::Usable}));
    }
    // Calls map(piece) for what lies outside `hole`, ascending, until one fails.
    template <class Map>
    Status for_each(Piece hole, Map map) {
        std::sort(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(count_),
                  [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
        for (std::size_t i = 0; i < count_;) {
            Piece joined = pieces_[i++];
            while (i < count_ && pieces_[i].begin <= joined.end)
                joined.end = std::max(joined.end, pieces_[i++].end);
            const Piece below{joined.begin, std::min(joined.end, std::max(joined.begin, hole.begin))};
            const Piece above{std::max(joined.begin, std::min(joined.end, hole.end)), joined.end};
            for (const Piece& piece : {below, above})
                if (piece.size() != 0)
                    ASHLAR_TRY(map(piece));
        }
        return {};
    }

private:
    static Piece pages_of(const MemoryRange& range) {
        return {range.base.align_down(kPageSize).value(),
                (range.base + range.size).align_up(kPageSize).value()};
    }
    void add(Piece piece) {
        if (piece.size() != 0 && count_ != pieces_.size())
            pieces_[count_++] = piece;
    }
    // Without what is reserved in it: the firmware may have secured it against us.
    void add_usable(const BootInformation& boot, Piece piece) {
        while (piece.size() != 0) {
            Piece first{piece.end, piece.end};
            for (std::size_t i = 0; i < boot.range_count; ++i) {
                const MemoryRange& range = boot.ranges[i];
                const Piece taken = pages_of(range);
                const bool refused =
                    range.kind == MemoryRange::Kind::Reserved || range.kind == MemoryRange::Kind::Unusable;
                if (refused && taken.end > piece.begin && taken.begin < first.begin)
                    first = taken;
            }
            add({piece.begin, first.begin});
            piece.begin = std::max(piece.begin, first.end);
        }
    }

    std::array<Piece, 2 * BootInformation::kMaxRanges + 1> pieces_{}; // and the bundle
    std::size_t count_ = 0;
};

// What it needs of a Host:
//   Format                           of PageTable; Rights has write, execute and uncached
//   kDirectMapBase, kDirectMapBytes  where the direct map is
//   invalidate()                     returns when no CPU uses what it has cached of these tables
// Used by the boot CPU alone, and once more than one runs under a lock of the caller's.
template <class Host>
class HostTables {
public:
    using Table = PageTable<typename Host::Format, EarlyFrames<Host>>;
    using Rights = typename Host::Format::Rights;

    // Of frames from `early`, which can be reached already.
    Status create(Piece early, unsigned largest_level) {
        if (early.size() == 0)
            return Error::OutOfMemory;
        early_ = early;
        frames_.initialize(PhysicalAddress(early.begin), PhysicalAddress(early.end));
        ::new (storage_) Table(ASHLAR_TRY(Table::create(frames_, largest_level)));
        return {};
    }
    Table& table() { return *std::launder(reinterpret_cast<Table*>(storage_)); }

    // Usable and ACPI memory and the bundle, but for the image: it has rights of its own, which a writable
    // alias of its code would undo.
    Status map_direct(const BootInformation& boot) {
        static constinit DirectMapPieces direct;
        direct.add_memory(boot);
        return direct.for_each({boot.image_begin.value(), boot.image_end.value()},
                               [this](Piece piece) { return map_unmapped(piece, {.write = true}); });
    }
    // Keeps what was taken, with room for tables of devices that are mapped later, from the frame allocator.
    void finish(BootInformation& boot) {
        constexpr std::uint64_t kSpareTables = 32 * kPageSize;
        const std::uint64_t cursor = frames_.cursor().value();
        boot.early_end = PhysicalAddress(early_.end);
        boot.early_begin = PhysicalAddress(std::max(early_.begin, cursor - std::min(cursor, kSpareTables)));
        frames_.initialize(boot.early_begin, frames_.cursor());
    }
    // As of arch/pci.h.
    Status map_device(PhysicalAddress address, std::uint64_t size) {
        if (address.value() >= Host::kDirectMapBytes || size > Host::kDirectMapBytes - address.value())
            return Error::OutOfRange;
        return map_unmapped(
            {address.align_down(kPageSize).value(), (address + size).align_up(kPageSize).value()},
            {.write = true, .uncached = true});
    }
    // Complains of pages that are writable and executable. True when there is none.
    bool check_write_xor_execute(Sink& sink) {
        std::uint64_t pages = 0, bad = 0;
        table().for_each_leaf([&](std::uint64_t input, const typename Table::Mapping& mapping) {
            pages += mapping.leaf_size / kPageSize;
            if (mapping.rights.write && mapping.rights.execute) {
                ++bad;
                format(sink, "ashlar: W^X: {:#x} is writable and executable\n", input);
            }
        });
        if (bad == 0)
            format(sink, "ashlar: W^X: ok, {} pages checked\n", pages);
        return bad == 0;
    }

private:
    // Maps the parts of a range that are not mapped; sizes and addresses are pages.
    Status map_unmapped(Piece piece, const Rights& rights) {
        const auto map = [&](std::uint64_t begin, std::uint64_t size) {
            return table().map(Host::kDirectMapBase + begin, PhysicalAddress(begin), size, rights);
        };
        const Status whole = map(piece.begin, piece.size());
        if (whole.ok() || whole.error() != Error::Overlap)
            return whole;
        for (; piece.begin < piece.end; piece.begin += kPageSize) {
            const Status page = map(piece.begin, kPageSize);
            if (!page.ok() && page.error() != Error::Overlap)
                return page;
        }
        return {};
    }

    Piece early_;
    EarlyFrames<Host> frames_;
    alignas(Table) std::byte storage_[sizeof(Table)]{};
};

} // namespace ashlar::kernel
