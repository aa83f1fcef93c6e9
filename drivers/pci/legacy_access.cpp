#include "drivers/pci/legacy_access.h"

namespace ashlar::pci {
namespace {

constexpr std::uint16_t kAddressPort = 0xcf8, kDataPort = 0xcfc;
constexpr std::uint32_t kEnable = 1u << 31;

} // namespace

bool LegacyAccess::present() {
    const std::uint32_t before = ports_.in32(kAddressPort);
    ports_.out32(kAddressPort, kEnable);
    const bool kept = ports_.in32(kAddressPort) == kEnable;
    ports_.out32(kAddressPort, before);
    return kept;
}

std::uint16_t LegacyAccess::select(FunctionAddress at, std::uint16_t offset) {
    if (at.segment != 0 || offset >= space_size())
        return 0;
    ports_.out32(kAddressPort, kEnable | std::uint32_t{at.bus} << 16 | (at.device & 31u) << 11 |
                                   (at.function & 7u) << 8 | (offset & 0xfcu));
    return static_cast<std::uint16_t>(kDataPort + (offset & 3));
}

std::uint8_t LegacyAccess::read8(FunctionAddress at, std::uint16_t offset) {
    const std::uint16_t port = select(at, offset);
    return port != 0 ? ports_.in8(port) : 0xff;
}
std::uint16_t LegacyAccess::read16(FunctionAddress at, std::uint16_t offset) {
    const std::uint16_t port = select(at, offset);
    return port != 0 ? ports_.in16(port) : 0xffff;
}
std::uint32_t LegacyAccess::read32(FunctionAddress at, std::uint16_t offset) {
    const std::uint16_t port = select(at, offset);
    return port != 0 ? ports_.in32(port) : 0xffff'ffff;
}
void LegacyAccess::write8(FunctionAddress at, std::uint16_t offset, std::uint8_t value) {
    if (const std::uint16_t port = select(at, offset); port != 0)
        ports_.out8(port, value);
}
void LegacyAccess::write16(FunctionAddress at, std::uint16_t offset, std::uint16_t value) {
    if (const std::uint16_t port = select(at, offset); port != 0)
        ports_.out16(port, value);
}
void LegacyAccess::write32(FunctionAddress at, std::uint16_t offset, std::uint32_t value) {
    if (const std::uint16_t port = select(at, offset); port != 0)
        ports_.out32(port, value);
}

} // namespace ashlar::pci
