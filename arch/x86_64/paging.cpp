#include "arch/x86_64/paging.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "arch/cpu.h"
#include "arch/pci.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/common/stacks.h"
#include "arch/x86_64/memory_layout.h"
#include "kernel/usable_memory.h"
#include "lib/table_entries.h"

namespace ashlar::arch {
namespace {

using kernel::BootInformation;
using kernel::MemoryRange;

// Tables before and after the frame allocator exists come from one run of usable memory, taken downwards.
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
        std::memset(physical_to_virtual(cursor_), 0, kPageSize);
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
    // No entry is global.
    void invalidate() { write_cr3(read_cr3()); }
    PhysicalAddress cursor() const { return cursor_; }

private:
    static std::uint64_t* entries(PhysicalAddress table) {
        return static_cast<std::uint64_t*>(physical_to_virtual(table));
    }
    PhysicalAddress begin_, cursor_;
};

using Table = PageTable<HostFormat, EarlyFrames>;

constinit EarlyFrames early_frames;
alignas(Table) constinit std::byte table_storage[sizeof(Table)]{};

Table& table() {
    return *std::launder(reinterpret_cast<Table*>(table_storage));
}

struct Piece {
    std::uint64_t begin, end;
    std::uint64_t size() const { return begin < end ? end - begin : 0; }
};

// The largest run of usable memory that the boot tables map and nobody uses.
Piece find_early_memory(const BootInformation& boot) {
    Piece best{};
    kernel::for_each_usable_run(boot, [&](std::uint64_t begin, std::uint64_t end) {
        const Piece piece{begin << kPageShift, std::min(end << kPageShift, kBootMappedBytes)};
        if (piece.size() > best.size())
            best = piece;
    });
    return best;
}

Status map_section(const std::byte* begin, const std::byte* end, PageRights rights) {
    const VirtualAddress from(reinterpret_cast<std::uintptr_t>(begin));
    const std::uint64_t size = (static_cast<std::uint64_t>(end - begin) + kPageSize - 1) & ~(kPageSize - 1);
    return table().map(from, image_to_physical(begin), size, rights);
}

Status map_image() {
    ASHLAR_TRY(map_section(image_begin, text_end, {.execute = true}));
    ASHLAR_TRY(map_section(rodata_begin, rodata_end, {}));
    ASHLAR_TRY(map_section(data_begin, image_end, {.write = true}));
    for (unsigned stack = 0; stack < kStacks; ++stack)
        ASHLAR_TRY(table().unmap(stack_guard(stack), kPageSize));
    return {};
}

// Maps the parts of a range that are not mapped; sizes and addresses are pages.
Status map_unmapped(std::uint64_t begin, std::uint64_t end, PageRights rights) {
    const Status whole = table().map(kDirectMapBase + begin, PhysicalAddress(begin), end - begin, rights);
    if (whole.ok() || whole.error() != Error::Overlap)
        return whole;
    for (; begin < end; begin += kPageSize) {
        const Status page = table().map(kDirectMapBase + begin, PhysicalAddress(begin), kPageSize, rights);
        if (!page.ok() && page.error() != Error::Overlap)
            return page;
    }
    return {};
}

// Sorts and joins what is to be in the direct map, so that leaves get as large as can be.
class DirectMap {
public:
    void add(Piece piece) {
        if (piece.size() == 0 || count_ == pieces_.size())
            return;
        pieces_[count_++] = piece;
    }
    Status map(Piece hole) {
        std::sort(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(count_),
                  [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
        for (std::size_t i = 0; i < count_;) {
            Piece joined = pieces_[i++];
            while (i < count_ && pieces_[i].begin <= joined.end)
                joined.end = std::max(joined.end, pieces_[i++].end);
            // The image has rights of its own; a writable alias of its code would undo them.
            ASHLAR_TRY(map_piece({joined.begin, std::min(joined.end, std::max(joined.begin, hole.begin))}));
            ASHLAR_TRY(map_piece({std::max(joined.begin, std::min(joined.end, hole.end)), joined.end}));
        }
        return {};
    }

private:
    static Status map_piece(Piece piece) {
        return piece.size() == 0 ? Status() : map_unmapped(piece.begin, piece.end, {.write = true});
    }
    std::array<Piece, BootInformation::kMaxRanges + 1> pieces_{}; // and the bundle
    std::size_t count_ = 0;
};

Status map_direct(const BootInformation& boot) {
    static constinit DirectMap direct;
    for (std::size_t i = 0; i < boot.range_count; ++i) {
        const MemoryRange& range = boot.ranges[i];
        if (range.kind == MemoryRange::Kind::Usable || range.kind == MemoryRange::Kind::AcpiReclaimable ||
            range.kind == MemoryRange::Kind::AcpiNvs)
            direct.add({range.base.align_down(kPageSize).value(),
                        (range.base + range.size).align_up(kPageSize).value()});
    }
    if (boot.bundle_size != 0)
        direct.add({boot.bundle.align_down(kPageSize).value(),
                    (boot.bundle + boot.bundle_size).align_up(kPageSize).value()});
    return direct.map({boot.image_begin.value(), boot.image_end.value()});
}

bool has_1g_pages() {
    constexpr std::uint32_t kPage1Gb = 1 << 26; // CPUID 0x80000001, edx
    return (cpuid(0x80000001).edx & kPage1Gb) != 0;
}

} // namespace

Status enter_final_address_space(BootInformation& boot) {
    const Piece early = find_early_memory(boot);
    if (early.size() == 0)
        return Error::OutOfMemory;
    early_frames.initialize(PhysicalAddress(early.begin), PhysicalAddress(early.end));
    ::new (table_storage) Table(ASHLAR_TRY(Table::create(early_frames, has_1g_pages() ? 3u : 2u)));
    ASHLAR_TRY(map_image());
    ASHLAR_TRY(map_direct(boot));
    write_cr3(table().root().value());
    // Room for tables of devices that are mapped later.
    constexpr std::uint64_t kSpareTables = 32 * kPageSize;
    const std::uint64_t cursor = early_frames.cursor().value();
    boot.early_end = PhysicalAddress(early.end);
    boot.early_begin = PhysicalAddress(std::max(early.begin, cursor - std::min(cursor, kSpareTables)));
    early_frames.initialize(boot.early_begin, early_frames.cursor());
    return {};
}

Status map_device(PhysicalAddress address, std::uint64_t size) {
    if (address.value() >= kDirectMapBytes || size > kDirectMapBytes - address.value())
        return Error::OutOfRange;
    const std::uint64_t begin = address.align_down(kPageSize).value();
    const std::uint64_t end = (address + size).align_up(kPageSize).value();
    return map_unmapped(begin, end, {.write = true, .uncached = true});
}

bool check_write_xor_execute(Sink& sink) {
    std::uint64_t pages = 0, bad = 0;
    ASHLAR_ASSERT(read_cr3() == table().root().value());
    table().for_each_leaf([&](std::uint64_t input, const Table::Mapping& mapping) {
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

} // namespace ashlar::arch
