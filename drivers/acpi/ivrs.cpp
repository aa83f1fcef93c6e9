// IVRS: blocks of (type, flags, length of 16 bits), those of units with a list of device entries.
#include "drivers/acpi/tables.h"

#include <optional>

namespace ashlar::acpi {
namespace {

constexpr std::size_t kFixed = 48, kInformation = 36;
enum BlockType : std::uint8_t {
    kUnit = 0x10,
    kUnitExtended = 0x11, // the same with more features told
    kMemoryAll = 0x20,
    kMemorySelect = 0x21,
    kMemoryRange = 0x22,
};
enum EntryType : std::uint8_t {
    kPadding = 0,
    kAll = 1,
    kSelect = 2,
    kRangeStart = 3,
    kRangeEnd = 4,
    kAliasSelect = 66,
    kAliasStart = 67,
    kExtendedSelect = 70,
    kExtendedStart = 71,
    kSpecial = 72,
};
constexpr std::size_t kUnitSize = 24, kUnitExtendedSize = 40, kMemorySize = 32;
constexpr std::uint16_t kLastRequester = 0xffff;

template <class T>
T field(Bytes bytes, std::size_t offset) {
    return load_le<T>(bytes.data() + offset);
}

// Bytes of a device entry by its type; 0: not known.
constexpr std::size_t entry_size(std::uint8_t type) {
    return type < 64 ? 4 : type < 128 ? 8 : type < 192 ? 16 : type < 240 ? 32 : 0;
}

class Entries {
public:
    Entries(std::size_t unit, Remapping& remapping)
        : unit_(static_cast<std::uint8_t>(unit)), remapping_(remapping) {}

    // False when the list ends early.
    bool add_all(Bytes list) {
        while (!list.empty()) {
            const std::size_t size = entry_size(field<std::uint8_t>(list, 0));
            if (size == 0 || size > list.size())
                return false;
            add(list.first(size));
            list = list.subspan(size);
        }
        return !open_;
    }

private:
    void add(Bytes entry) {
        const auto requester = field<std::uint16_t>(entry, 1);
        const auto settings = field<std::uint8_t>(entry, 3);
        RequesterRange range{
            .unit = unit_, .settings = settings, .first = requester, .last = requester, .alias = requester};
        switch (field<std::uint8_t>(entry, 0)) {
        case kAll:
            range.first = 0;
            range.last = kLastRequester;
            return remapping_.requesters.add(range);
        case kExtendedSelect:
        case kSelect: return remapping_.requesters.add(range);
        case kAliasSelect:
            range.kind = RequesterRange::Kind::Alias;
            range.alias = field<std::uint16_t>(entry, 5);
            return remapping_.requesters.add(range);
        case kAliasStart:
            range.kind = RequesterRange::Kind::Alias;
            range.alias = field<std::uint16_t>(entry, 5);
            [[fallthrough]];
        case kRangeStart:
        case kExtendedStart:
            remapping_.faults += open_ ? 1 : 0;
            open_ = range;
            return;
        case kRangeEnd:
            if (!open_ || requester < open_->first) {
                ++remapping_.faults;
            } else {
                open_->last = requester;
                remapping_.requesters.add(*open_);
            }
            open_.reset();
            return;
        case kSpecial: return add_special(entry, range);
        default: return;
        }
    }
    // I/O APICs and HPETs, which are no PCI functions but have numbers of such.
    void add_special(Bytes entry, RequesterRange range) {
        const auto variety = field<std::uint8_t>(entry, 7);
        range.id = field<std::uint8_t>(entry, 4);
        range.first = range.last = range.alias = field<std::uint16_t>(entry, 5);
        range.kind = variety == 1 ? RequesterRange::Kind::IoApic : RequesterRange::Kind::Hpet;
        if (variety == 1 || variety == 2)
            remapping_.requesters.add(range);
    }

    std::uint8_t unit_;
    Remapping& remapping_;
    std::optional<RequesterRange> open_; // a range without its end so far
};

void add_unit(Bytes block, std::size_t header, Remapping& remapping) {
    const PhysicalAddress registers(block.size() < header ? 0 : field<std::uint64_t>(block, 8));
    if (registers == PhysicalAddress() || !registers.is_aligned(kPageSize)) {
        ++remapping.faults;
        return;
    }
    const std::size_t index = remapping.units.count;
    remapping.units.add({.registers = registers,
                         .segment = field<std::uint16_t>(block, 16),
                         .requester = field<std::uint16_t>(block, 4),
                         .capability = field<std::uint16_t>(block, 6)});
    if (index != remapping.units.count && !Entries(index, remapping).add_all(block.subspan(header)))
        ++remapping.faults;
}

void add_region(Bytes block, std::uint8_t type, Remapping& remapping) {
    const std::uint64_t begin = block.size() < kMemorySize ? 1 : field<std::uint64_t>(block, 16);
    const std::uint64_t size = block.size() < kMemorySize ? 0 : field<std::uint64_t>(block, 24);
    if (begin % kPageSize != 0 || size == 0 || size % kPageSize != 0 || begin + size < begin) {
        ++remapping.faults;
        return;
    }
    const auto first = field<std::uint16_t>(block, 4);
    DmaRegion region{.begin = begin, .end = begin + size, .first = first, .last = first};
    if (type == kMemoryAll) {
        region.first = 0;
        region.last = kLastRequester;
    } else if (type == kMemoryRange) {
        region.last = field<std::uint16_t>(block, 6);
    }
    if (region.last < region.first)
        ++remapping.faults;
    else
        remapping.regions.add(region);
}

// Calls visit(type, block) for each; false when a length ended it early.
template <class Visit>
bool for_each_block(Bytes rest, Visit visit) {
    while (!rest.empty()) {
        const std::size_t length = rest.size() < 4 ? 0 : field<std::uint16_t>(rest, 2);
        if (length < 4 || length > rest.size())
            return false;
        visit(field<std::uint8_t>(rest, 0), rest.first(length));
        rest = rest.subspan(length);
    }
    return true;
}

} // namespace

void parse_ivrs(Bytes table, Tables& tables) {
    Remapping& remapping = tables.remapping;
    if (table.size() < kFixed || remapping.kind != Remapping::Kind::None)
        return;
    remapping.kind = Remapping::Kind::AmdVi;
    remapping.address_bits = static_cast<std::uint8_t>(field<std::uint32_t>(table, kInformation) >> 8 & 0x7f);
    // A unit is told again in each form that it fits in; the first form that there is counts.
    std::optional<std::uint8_t> form;
    const bool whole = for_each_block(table.subspan(kFixed), [&](std::uint8_t type, Bytes block) {
        if (type == kUnit || type == kUnitExtended) {
            form = form.value_or(type);
            if (type == *form)
                add_unit(block, type == kUnit ? kUnitSize : kUnitExtendedSize, remapping);
        } else if (type >= kMemoryAll && type <= kMemoryRange) {
            add_region(block, type, remapping);
        }
    });
    remapping.faults += whole ? 0 : 1;
}

} // namespace ashlar::acpi
