// A PCI function as enumeration finds it.
#pragma once

#include <array>
#include <optional>

#include "drivers/pci/config_access.h"
#include "lib/address.h"
#include "lib/format.h"

namespace ashlar::pci {

struct Bar {
    enum class Kind : std::uint8_t { None, Io, Memory };
    Kind kind = Kind::None;
    bool wide = false;         // 64 bits: the next register is its upper half
    bool prefetchable = false; // reading has no side effects
    std::uint64_t address = 0; // 0: nobody has assigned one
    std::uint64_t size = 0;    // a power of two

    bool assigned() const { return kind != Kind::None && address != 0; }
};

// Where a function's MSI-X vectors are; inside of assigned memory BARs, or not there at all.
// Specification: PCI Local Bus 3.0, section 6.8.2.
struct MsixLayout {
    std::uint16_t capability = 0; // its offset in configuration space
    std::uint16_t vectors = 0;    // 1 to 2048
    std::uint8_t table_bar = 0, pending_bar = 0;
    std::uint32_t table_offset = 0, pending_offset = 0;
};

struct AddressRange {
    std::uint64_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
    bool contains(std::uint64_t address, std::uint64_t size) const {
        return address >= begin && address <= end && size <= end - address;
    }
    bool overlaps(std::uint64_t address, std::uint64_t size) const {
        return address < end && begin < address + size;
    }
};

// What a bridge passes on to its secondary bus. Closed windows are empty.
struct BridgeWindows {
    std::uint8_t secondary = 0, subordinate = 0; // 0: no bus behind it can be reached
    AddressRange memory, prefetchable;
};

struct Function {
    FunctionAddress address;
    std::uint16_t vendor = 0, device = 0, subsystem_vendor = 0, subsystem = 0;
    std::uint8_t base_class = 0, sub_class = 0, interface = 0, revision = 0;
    bool is_bridge = false; // between PCI buses
    BridgeWindows bridge;
    std::array<Bar, 6> bars{};
    bool express = false, msi = false;
    std::optional<MsixLayout> msix;
};

constexpr std::uint16_t kNoVendor = 0xffff;

// Everything about the function that is at `at`. Sizes its BARs, for which moment it does not answer to them.
Function read_function(ConfigAccess& access, FunctionAddress at);

// What the bridge at `at` passes on now.
BridgeWindows read_bridge(ConfigAccess& access, FunctionAddress at);

// One line, without what is before or after it: "00:1f.2 8086:2922 01.06.01 SATA, ...".
void describe(Sink& sink, const Function& function);
// "0000:00:1f.2", without the segment if that is 0.
void describe(Sink& sink, FunctionAddress at);

} // namespace ashlar::pci
