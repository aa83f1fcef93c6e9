#include "drivers/acpi/tables.h"

#include <algorithm>

namespace ashlar::acpi {
namespace {

constexpr std::size_t kHeaderSize = 36, kLengthOffset = 4;
constexpr std::size_t kMaxTableSize = std::size_t{1} << 20;
constexpr std::size_t kRsdpSize = 20, kRsdpSize2 = 36;

std::uint8_t sum(Bytes bytes) {
    std::uint8_t total = 0;
    for (const std::byte b : bytes)
        total = static_cast<std::uint8_t>(total + std::to_integer<std::uint8_t>(b));
    return total;
}

bool has_text(Bytes bytes, std::size_t offset, std::string_view text) {
    return offset + text.size() <= bytes.size() &&
           std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

std::string_view signature(Bytes table) {
    return {reinterpret_cast<const char*>(table.data()), 4};
}

// A whole table with a right checksum.
Result<Bytes> table_at(PhysicalReader& memory, PhysicalAddress address) {
    const Bytes header = ASHLAR_TRY(memory.view(address, kHeaderSize));
    const auto length = load_le<std::uint32_t>(header.data() + kLengthOffset);
    if (length < kHeaderSize || length > kMaxTableSize)
        return Error::Malformed;
    const Bytes table = ASHLAR_TRY(memory.view(address, length));
    if (sum(table) != 0)
        return Error::Malformed;
    return table;
}

bool is_rsdp(Bytes bytes) {
    return bytes.size() >= kRsdpSize && has_text(bytes, 0, "RSD PTR ") && sum(bytes.first(kRsdpSize)) == 0;
}

// In the BIOS area, on a 16-byte boundary (5.2.5.1).
Result<PhysicalAddress> search_rsdp(PhysicalReader& memory) {
    constexpr PhysicalAddress kBegin(0xe0000);
    constexpr std::uint64_t kSize = 0x20000;
    const Bytes area = ASHLAR_TRY(memory.view(kBegin, kSize));
    for (std::size_t offset = 0; offset + kRsdpSize <= area.size(); offset += 16)
        if (is_rsdp(area.subspan(offset)))
            return kBegin + offset;
    return Error::NotFound;
}

void parse(Bytes table, PhysicalReader& memory, Tables& tables) {
    const std::string_view name = signature(table);
    if (name == "APIC")
        parse_madt(table, tables);
    else if (name == "SRAT")
        parse_srat(table, tables);
    else if (name == "SLIT")
        parse_slit(table, tables);
    else if (name == "MCFG")
        parse_mcfg(table, tables);
    else if (name == "FACP")
        parse_fadt(table, memory, tables);
    else if (name == "DMAR")
        parse_dmar(table, tables);
    else if (name == "IVRS")
        parse_ivrs(table, tables);
}

void report(const Remapping& remapping, Sink& diagnostics) {
    if (remapping.faults != 0)
        format(diagnostics, "ashlar: acpi: {}: {} structures make no sense and are left out\n",
               remapping.name(), remapping.faults);
    if (remapping.translation_services != 0)
        format(diagnostics,
               "ashlar: acpi: DMAR: {} ATSR structures are ignored: devices keep no translations\n",
               remapping.translation_services);
    const std::size_t dropped =
        remapping.units.dropped + remapping.regions.dropped + remapping.scopes.dropped;
    if (dropped != 0)
        format(diagnostics, "ashlar: acpi: {}: {} structures too many are ignored\n", remapping.name(),
               dropped);
}

} // namespace

Result<Tables> read_tables(PhysicalReader& memory, PhysicalAddress rsdp, Sink& diagnostics) {
    if (rsdp == PhysicalAddress())
        rsdp = ASHLAR_TRY(search_rsdp(memory));
    const Bytes pointer = ASHLAR_TRY(memory.view(rsdp, kRsdpSize));
    if (!is_rsdp(pointer))
        return Error::Malformed;
    constexpr std::size_t kRevision = 15, kRsdt = 16, kXsdt = 24;
    PhysicalAddress root(load_le<std::uint32_t>(pointer.data() + kRsdt));
    std::size_t entry_size = 4;
    if (std::to_integer<unsigned>(pointer[kRevision]) >= 2) {
        const Result<Bytes> extended = memory.view(rsdp, kRsdpSize2);
        if (extended.ok() && sum(extended.value()) == 0)
            if (const auto xsdt = load_le<std::uint64_t>(extended.value().data() + kXsdt); xsdt != 0) {
                root = PhysicalAddress(xsdt);
                entry_size = 8;
            }
    }
    const Bytes list = ASHLAR_TRY(table_at(memory, root));
    if (!has_text(list, 0, entry_size == 8 ? "XSDT" : "RSDT"))
        return Error::Malformed;
    Tables tables;
    for (std::size_t offset = kHeaderSize; offset + entry_size <= list.size(); offset += entry_size) {
        const PhysicalAddress address(entry_size == 8 ? load_le<std::uint64_t>(list.data() + offset)
                                                      : load_le<std::uint32_t>(list.data() + offset));
        const Result<Bytes> table = table_at(memory, address);
        if (table.ok())
            parse(table.value(), memory, tables);
        else
            format(diagnostics, "ashlar: acpi: table at {:#x} left out: {}\n", address, table.error());
    }
    report(tables.remapping, diagnostics);
    return tables;
}

} // namespace ashlar::acpi
