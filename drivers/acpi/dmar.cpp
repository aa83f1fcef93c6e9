// DMAR: (type, length) of 16 bits each, in structures of which some end in a list of device scopes.
#include "drivers/acpi/tables.h"

namespace ashlar::acpi {
namespace {

constexpr std::size_t kFixed = 48, kWidth = 36, kFlags = 37;
enum Type : std::uint16_t { kUnit = 0, kReservedRegion = 1, kRootPortServices = 2 };
constexpr std::size_t kUnitSize = 16, kRegionSize = 24, kScopeSize = 6, kScopeType = 0, kScopeLength = 1,
                      kScopeId = 4, kScopeBus = 5;
constexpr std::uint8_t kInterrupts = 1, kIncludesAll = 1;

template <class T>
T field(Bytes bytes, std::size_t offset) {
    return load_le<T>(bytes.data() + offset);
}

// False when one makes no sense: where the next would begin is not known then.
bool add_scopes(Bytes list, DeviceScope::Of of, std::size_t owner, Remapping& remapping) {
    while (!list.empty()) {
        const std::size_t length = list.size() < kScopeSize ? 0 : field<std::uint8_t>(list, kScopeLength);
        const std::size_t steps = length < kScopeSize ? 0 : (length - kScopeSize) / 2;
        if (length > list.size() || steps == 0 || steps > DeviceScope::kMaxDepth || length % 2 != 0)
            return false;
        const auto kind = field<std::uint8_t>(list, kScopeType);
        DeviceScope scope{.of = of,
                          .owner = static_cast<std::uint8_t>(owner),
                          .kind = static_cast<DeviceScope::Kind>(kind),
                          .id = field<std::uint8_t>(list, kScopeId),
                          .bus = field<std::uint8_t>(list, kScopeBus),
                          .depth = static_cast<std::uint8_t>(steps)};
        bool sound = true;
        for (std::size_t i = 0; i < steps; ++i) {
            scope.path[i] = {field<std::uint8_t>(list, kScopeSize + 2 * i),
                             field<std::uint8_t>(list, kScopeSize + 2 * i + 1)};
            sound = sound && scope.path[i].device < 32 && scope.path[i].function < 8;
        }
        if (!sound)
            ++remapping.faults;
        else if (kind >= 1 && kind <= 4) // others are not of PCI
            remapping.scopes.add(scope);
        list = list.subspan(length);
    }
    return true;
}

void add_unit(Bytes structure, Remapping& remapping) {
    const PhysicalAddress registers(structure.size() < kUnitSize ? 0 : field<std::uint64_t>(structure, 8));
    if (registers == PhysicalAddress() || !registers.is_aligned(kPageSize)) {
        ++remapping.faults;
        return;
    }
    const std::size_t index = remapping.units.count;
    remapping.units.add({.registers = registers,
                         .segment = field<std::uint16_t>(structure, 6),
                         .all = (field<std::uint8_t>(structure, 4) & kIncludesAll) != 0});
    if (index != remapping.units.count &&
        !add_scopes(structure.subspan(kUnitSize), DeviceScope::Of::Unit, index, remapping))
        ++remapping.faults;
}

void add_region(Bytes structure, Remapping& remapping) {
    const std::uint64_t begin = structure.size() < kRegionSize ? 1 : field<std::uint64_t>(structure, 8);
    const std::uint64_t last = structure.size() < kRegionSize ? 0 : field<std::uint64_t>(structure, 16);
    if (begin % kPageSize != 0 || (last + 1) % kPageSize != 0 || last < begin || last + 1 < last) {
        ++remapping.faults;
        return;
    }
    const std::size_t index = remapping.regions.count;
    remapping.regions.add({begin, last + 1, field<std::uint16_t>(structure, 6)});
    if (index != remapping.regions.count &&
        !add_scopes(structure.subspan(kRegionSize), DeviceScope::Of::Region, index, remapping))
        ++remapping.faults;
}

} // namespace

void parse_dmar(Bytes table, Tables& tables) {
    Remapping& remapping = tables.remapping;
    if (table.size() < kFixed || remapping.kind != Remapping::Kind::None)
        return;
    remapping.kind = Remapping::Kind::VtD;
    remapping.interrupts = (field<std::uint8_t>(table, kFlags) & kInterrupts) != 0;
    remapping.address_bits = static_cast<std::uint8_t>(field<std::uint8_t>(table, kWidth) + 1);
    Bytes rest = table.subspan(kFixed);
    while (!rest.empty()) {
        const std::size_t length = rest.size() < 4 ? 0 : field<std::uint16_t>(rest, 2);
        if (length < 4 || length > rest.size()) {
            ++remapping.faults;
            return;
        }
        const Bytes structure = rest.first(length);
        switch (field<std::uint16_t>(rest, 0)) {
        case kUnit: add_unit(structure, remapping); break;
        case kReservedRegion: add_region(structure, remapping); break;
        case kRootPortServices: ++remapping.translation_services; break;
        default: break; // affinity and names, which change nothing
        }
        rest = rest.subspan(length);
    }
}

} // namespace ashlar::acpi
