// One parser per table. Structures in them are (type, length, ...): each is read within its length, a length
// that makes no sense ends the table.
#include "drivers/acpi/tables.h"

#include <algorithm>

namespace ashlar::acpi {
namespace {

constexpr std::size_t kHeaderSize = 36;

std::uint8_t byte_at(Bytes bytes, std::size_t offset) {
    return std::to_integer<std::uint8_t>(bytes[offset]);
}
template <class T>
T field(Bytes bytes, std::size_t offset) {
    return load_le<T>(bytes.data() + offset);
}

// Calls visit(type, structure) for each. False when a length ended it early.
template <class Visit>
bool for_each_structure(Bytes table, std::size_t begin, Visit visit) {
    for (std::size_t offset = begin; offset + 2 <= table.size();) {
        const std::size_t length = byte_at(table, offset + 1);
        if (length < 2 || length > table.size() - offset)
            return false;
        visit(byte_at(table, offset), table.subspan(offset, length));
        offset += length;
    }
    return true;
}

constexpr std::uint32_t kEnabled = 1;

} // namespace

void parse_madt(Bytes table, Tables& tables) {
    constexpr std::size_t kFixed = 44;
    if (table.size() < kFixed)
        return;
    tables.has_madt = true;
    tables.local_apic = PhysicalAddress(field<std::uint32_t>(table, kHeaderSize));
    for_each_structure(table, kFixed, [&](std::uint8_t type, Bytes s) {
        if (type == 0 && s.size() >= 8) {
            tables.cpus.add({byte_at(s, 3), (field<std::uint32_t>(s, 4) & kEnabled) != 0});
        } else if (type == 1 && s.size() >= 12) {
            tables.io_apics.add(
                {byte_at(s, 2), PhysicalAddress(field<std::uint32_t>(s, 4)), field<std::uint32_t>(s, 8)});
        } else if (type == 2 && s.size() >= 10) {
            tables.overrides.add({byte_at(s, 3), field<std::uint32_t>(s, 4), field<std::uint16_t>(s, 8)});
        } else if (type == 5 && s.size() >= 12) {
            tables.local_apic = PhysicalAddress(field<std::uint64_t>(s, 4));
        } else if (type == 9 && s.size() >= 16) {
            tables.cpus.add({field<std::uint32_t>(s, 4), (field<std::uint32_t>(s, 8) & kEnabled) != 0});
        }
    });
}

void parse_srat(Bytes table, Tables& tables) {
    constexpr std::size_t kFixed = 48;
    constexpr std::uint32_t kHotPluggable = 2;
    if (table.size() < kFixed) {
        ++tables.srat_faults;
        return;
    }
    tables.has_srat = true;
    const bool whole = for_each_structure(table, kFixed, [&](std::uint8_t type, Bytes s) {
        if (type == 0 && s.size() >= 16) {
            const std::uint32_t domain = byte_at(s, 2) | std::uint32_t{byte_at(s, 9)} << 8 |
                                         std::uint32_t{byte_at(s, 10)} << 16 |
                                         std::uint32_t{byte_at(s, 11)} << 24;
            if ((field<std::uint32_t>(s, 4) & kEnabled) != 0)
                tables.cpu_affinity.add({byte_at(s, 3), domain});
        } else if (type == 1 && s.size() >= 40) {
            const auto flags = field<std::uint32_t>(s, 28);
            const PhysicalAddress base(field<std::uint64_t>(s, 8));
            const auto size = field<std::uint64_t>(s, 16);
            PhysicalAddress end;
            if ((flags & kEnabled) == 0)
                return;
            if (size != 0 && base.checked_add(size, end))
                tables.memory_affinity.add(
                    {base, size, field<std::uint32_t>(s, 2), (flags & kHotPluggable) != 0});
            else
                ++tables.srat_faults;
        } else if (type == 2 && s.size() >= 24) {
            if ((field<std::uint32_t>(s, 12) & kEnabled) != 0)
                tables.cpu_affinity.add({field<std::uint32_t>(s, 8), field<std::uint32_t>(s, 4)});
        } else if (type <= 2) {
            ++tables.srat_faults;
        }
    });
    tables.srat_faults += whole ? 0 : 1;
}

void parse_slit(Bytes table, Tables& tables) {
    constexpr std::size_t kFixed = 44;
    tables.slit_faulty = true;
    if (table.size() < kFixed)
        return;
    const auto localities = field<std::uint64_t>(table, kHeaderSize);
    if (localities == 0 || localities > 0xffff || localities * localities > table.size() - kFixed)
        return;
    tables.slit_faulty = false;
    tables.has_slit = true;
    tables.localities = std::min<std::size_t>(localities, Tables::kMaxLocalities);
    for (std::size_t from = 0; from < tables.localities; ++from)
        for (std::size_t to = 0; to < tables.localities; ++to)
            tables.distance[from][to] = byte_at(table, kFixed + from * localities + to);
}

void parse_mcfg(Bytes table, Tables& tables) {
    constexpr std::size_t kFixed = 44, kEntry = 16;
    if (table.size() < kFixed)
        return;
    tables.has_mcfg = true;
    for (std::size_t offset = kFixed; offset + kEntry <= table.size(); offset += kEntry) {
        const Bytes entry = table.subspan(offset, kEntry);
        const PciSegment segment{PhysicalAddress(field<std::uint64_t>(entry, 0)),
                                 field<std::uint16_t>(entry, 8), byte_at(entry, 10), byte_at(entry, 11)};
        if (segment.first_bus <= segment.last_bus)
            tables.pci_segments.add(segment);
    }
}

namespace {

// The values of \_S5 without an AML interpreter: NameOp "_S5_" PackageOp length count value value, or with
// BytePrefix before the values. Firmware has it in this form.
std::optional<std::uint16_t> find_soft_off(Bytes definition) {
    constexpr std::uint8_t kPackageOp = 0x12, kBytePrefix = 0x0a;
    static constexpr char kName[] = {'_', 'S', '5', '_'};
    constexpr std::size_t kHead = sizeof kName + 2; // with the operator and the first byte of the length
    for (std::size_t i = kHeaderSize; i + kHead <= definition.size(); ++i) {
        if (std::memcmp(definition.data() + i, kName, sizeof kName) != 0 ||
            byte_at(definition, i + 4) != kPackageOp)
            continue;
        std::size_t cursor = i + 5 + 1 + (byte_at(definition, i + 5) >> 6) + 1;
        std::uint16_t value = 0;
        for (unsigned n = 0; n < 2; ++n) {
            if (cursor + 1 < definition.size() && byte_at(definition, cursor) == kBytePrefix)
                ++cursor;
            if (cursor >= definition.size())
                return std::nullopt;
            // ZeroOp and OneOp are the bytes 0 and 1.
            value = static_cast<std::uint16_t>(value | byte_at(definition, cursor++) << (8 * n));
        }
        return value;
    }
    return std::nullopt;
}

} // namespace

void parse_fadt(Bytes table, PhysicalReader& memory, Tables& tables) {
    constexpr std::size_t kDsdt = 40, kPm1aControl = 64, kPm1bControl = 68, kNeeded = 72;
    constexpr std::size_t kMaxDsdt = std::size_t{1} << 20;
    if (table.size() < kNeeded)
        return;
    tables.has_fadt = true;
    tables.pm1a_control = static_cast<std::uint16_t>(field<std::uint32_t>(table, kPm1aControl));
    tables.pm1b_control = static_cast<std::uint16_t>(field<std::uint32_t>(table, kPm1bControl));
    const PhysicalAddress dsdt(field<std::uint32_t>(table, kDsdt));
    const Result<Bytes> header = memory.view(dsdt, kHeaderSize);
    if (!header.ok())
        return;
    const auto length = load_le<std::uint32_t>(header.value().data() + 4);
    if (length < kHeaderSize || length > kMaxDsdt)
        return;
    if (const Result<Bytes> definition = memory.view(dsdt, length); definition.ok())
        tables.soft_off = find_soft_off(definition.value());
}

} // namespace ashlar::acpi
