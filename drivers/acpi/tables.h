// ACPI tables: what the hypervisor needs of them. Every byte comes from the firmware and is checked.
// Specification: ACPI 6.5, sections 5.2.5 to 5.2.17; PCI Firmware 3.3 (MCFG). For what describes IOMMUs see
// drivers/acpi/remapping.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "drivers/acpi/list.h"
#include "drivers/acpi/remapping.h"
#include "lib/address.h"
#include "lib/bytes.h"
#include "lib/format.h"

namespace ashlar::acpi {

// Gives access to physical memory where tables may lie.
class PhysicalReader {
public:
    // OutOfRange when the range cannot be read.
    virtual Result<Bytes> view(PhysicalAddress address, std::uint64_t size) = 0;

protected:
    ~PhysicalReader() = default;
};

struct Cpu {
    std::uint32_t apic_id;
    bool enabled;
};
struct InterruptController {
    std::uint8_t id;
    PhysicalAddress address;
    std::uint32_t first_interrupt; // global system interrupt of its pin 0
};
// An ISA interrupt that is wired elsewhere than to the global system interrupt of the same number.
struct InterruptOverride {
    std::uint8_t isa;
    std::uint32_t global;
    std::uint16_t flags; // bits 0-1 polarity, 2-3 trigger mode
};
struct CpuAffinity {
    std::uint32_t apic_id;
    std::uint32_t domain;
};
struct MemoryAffinity {
    PhysicalAddress base;
    std::uint64_t size;
    std::uint32_t domain;
    bool hot_pluggable;
};
struct PciSegment {
    PhysicalAddress base; // of the configuration space of bus `first_bus`
    std::uint16_t segment;
    std::uint8_t first_bus, last_bus;
};

struct Tables {
    bool has_madt = false, has_srat = false, has_slit = false, has_mcfg = false, has_fadt = false;
    PhysicalAddress local_apic;
    List<Cpu, 256> cpus;
    List<InterruptController, 8> io_apics;
    List<InterruptOverride, 16> overrides;
    List<CpuAffinity, 256> cpu_affinity;
    List<MemoryAffinity, 256> memory_affinity;
    List<PciSegment, 8> pci_segments;
    std::size_t srat_faults = 0; // structures left out, or the rest of the table
    bool slit_faulty = false;    // left out
    std::size_t localities = 0;  // side of the distance matrix
    static constexpr std::size_t kMaxLocalities = 64;
    std::array<std::array<std::uint8_t, kMaxLocalities>, kMaxLocalities> distance{};
    std::uint16_t pm1a_control = 0, pm1b_control = 0; // ports, 0: none
    std::optional<std::uint16_t> soft_off;            // SLP_TYPa | SLP_TYPb << 8 of \_S5
    Remapping remapping;
};

// Follows the RSDP at `rsdp`, or searches the BIOS area when it is 0. Tables that are broken are left out,
// with a line to `diagnostics` each; an error means that there are no tables at all.
Result<Tables> read_tables(PhysicalReader& memory, PhysicalAddress rsdp, Sink& diagnostics);

// The parsers by table, for tests: `table` is whole, its checksum right.
void parse_madt(Bytes table, Tables& tables);
void parse_srat(Bytes table, Tables& tables);
void parse_slit(Bytes table, Tables& tables);
void parse_mcfg(Bytes table, Tables& tables);
void parse_fadt(Bytes table, PhysicalReader& memory, Tables& tables);
void parse_dmar(Bytes table, Tables& tables);
void parse_ivrs(Bytes table, Tables& tables);

} // namespace ashlar::acpi
