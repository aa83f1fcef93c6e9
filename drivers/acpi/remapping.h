// What the firmware says about IOMMUs.
// Specification: Intel Virtualization Technology for Directed I/O 4.1, chapter 8 (DMAR); AMD I/O
// Virtualization Technology 3.08, chapter 5 (IVRS).
#pragma once

#include <array>
#include <cstdint>

#include "drivers/acpi/list.h"
#include "lib/address.h"

namespace ashlar::acpi {

// A requester as DMAR names it: a start bus, and a path of (device, function) over bridges from there.
struct DeviceScope {
    enum class Kind : std::uint8_t { Endpoint = 1, Bridge = 2, IoApic = 3, Hpet = 4 };
    enum class Of : std::uint8_t { Unit, Region };
    static constexpr std::size_t kMaxDepth = 8;
    struct Step {
        std::uint8_t device = 0, function = 0;
    };
    Of of = Of::Unit;
    std::uint8_t owner = 0; // index of the unit or region
    Kind kind = Kind::Endpoint;
    std::uint8_t id = 0; // of an I/O APIC or HPET
    std::uint8_t bus = 0;
    std::uint8_t depth = 0; // 1 to kMaxDepth
    std::array<Step, kMaxDepth> path{};
};

// Requesters as IVRS names them: numbers are bus << 8 | device << 3 | function.
struct RequesterRange {
    enum class Kind : std::uint8_t { Select, Alias, IoApic, Hpet };
    std::uint8_t unit = 0; // index
    Kind kind = Kind::Select;
    std::uint8_t settings = 0; // INIT, EINT, NMI pass-through bits
    std::uint8_t id = 0;       // of an I/O APIC or HPET
    std::uint16_t first = 0, last = 0;
    std::uint16_t alias = 0; // under which they appear
};

struct RemappingUnit {
    PhysicalAddress registers;
    std::uint16_t segment = 0;
    bool all = false;                            // VT-d: has what no other unit's scope names
    std::uint16_t requester = 0, capability = 0; // AMD-Vi: the unit itself as a PCI function
};

// Memory that devices access on the firmware's behalf: RMRR of DMAR, IVMD of IVRS.
struct DmaRegion {
    std::uint64_t begin = 0, end = 0;
    std::uint16_t segment = 0;
    std::uint16_t first = 0, last = 0; // AMD-Vi: whose it is; VT-d: see the scopes
};

struct Remapping {
    enum class Kind : std::uint8_t { None, VtD, AmdVi };
    Kind kind = Kind::None;
    bool interrupts = false;       // VT-d: interrupt remapping is there
    std::uint8_t address_bits = 0; // that devices can use
    List<RemappingUnit, 16> units;
    List<DmaRegion, 16> regions;
    List<DeviceScope, 64> scopes;         // VT-d
    List<RequesterRange, 64> requesters;  // AMD-Vi
    std::size_t faults = 0;               // structures left out, or the rest of the table
    std::size_t translation_services = 0; // VT-d: ATSR structures, which are ignored

    const char* name() const { return kind == Kind::AmdVi ? "IVRS" : "DMAR"; }
};

} // namespace ashlar::acpi
