// The list of a function's capabilities. Devices are not trusted to keep it straight: it is followed for a
// bounded number of steps, within the configuration space.
#pragma once

#include <concepts>
#include <optional>

#include "drivers/pci/config_access.h"

namespace ashlar::pci {

namespace capability {
constexpr std::uint8_t kMsi = 0x05, kVendorSpecific = 0x09, kExpress = 0x10, kMsix = 0x11;
}

// Calls visit(id, offset) for each until it returns false.
template <std::invocable<std::uint8_t, std::uint16_t> Visit>
void for_each_capability(ConfigAccess& access, FunctionAddress at, Visit visit) {
    constexpr std::uint16_t kFirst = 0x40;
    constexpr unsigned kMost = (256 - kFirst) / 4;
    if ((access.read16(at, reg::kStatus) & reg::kStatusCapabilities) == 0)
        return;
    std::uint16_t offset = access.read8(at, reg::kCapabilities) & 0xfc;
    for (unsigned step = 0; offset >= kFirst && step < kMost; ++step) {
        const std::uint16_t header = access.read16(at, offset);
        if (!visit(static_cast<std::uint8_t>(header & 0xff), offset))
            return;
        offset = static_cast<std::uint16_t>(header >> 8 & 0xfc);
    }
}

// The offset of the first one.
std::optional<std::uint16_t> find_capability(ConfigAccess& access, FunctionAddress at, std::uint8_t id);

// Calls visit(id, offset) for the extended ones, which only functions of PCI Express have.
template <std::invocable<std::uint16_t, std::uint16_t> Visit>
void for_each_extended_capability(ConfigAccess& access, FunctionAddress at, Visit visit) {
    constexpr std::uint16_t kFirst = 0x100;
    constexpr unsigned kMost = (4096 - kFirst) / 8;
    std::uint16_t offset = kFirst;
    for (unsigned step = 0; offset >= kFirst && step < kMost && offset < access.space_size(); ++step) {
        const std::uint32_t header = access.read32(at, offset);
        if (header == 0 || header == ~std::uint32_t{0})
            return;
        if (!visit(static_cast<std::uint16_t>(header & 0xffff), offset))
            return;
        offset = static_cast<std::uint16_t>(header >> 20 & 0xffc);
    }
}

} // namespace ashlar::pci
