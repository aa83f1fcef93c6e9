// The configuration space of PCI functions, however it is reached.
// Specification: PCI Local Bus 3.0 chapter 6, PCI Express Base 4.0 chapter 7.
#pragma once

#include <compare>
#include <cstdint>

namespace ashlar::pci {

struct FunctionAddress {
    std::uint16_t segment = 0;
    std::uint8_t bus = 0, device = 0, function = 0; // device below 32, function below 8
    constexpr auto operator<=>(const FunctionAddress&) const = default;
};

// Offsets are multiples of the width. What is not there reads as all ones, and ignores writes. One CPU at a
// time.
class ConfigAccess {
public:
    virtual std::uint8_t read8(FunctionAddress at, std::uint16_t offset) = 0;
    virtual std::uint16_t read16(FunctionAddress at, std::uint16_t offset) = 0;
    virtual std::uint32_t read32(FunctionAddress at, std::uint16_t offset) = 0;
    virtual void write8(FunctionAddress at, std::uint16_t offset, std::uint8_t value) = 0;
    virtual void write16(FunctionAddress at, std::uint16_t offset, std::uint16_t value) = 0;
    virtual void write32(FunctionAddress at, std::uint16_t offset, std::uint32_t value) = 0;
    // Bytes of configuration space that each function has: 256 or 4096.
    virtual std::uint16_t space_size() const = 0;

protected:
    ~ConfigAccess() = default;
};

// Buses that can be reached.
struct BusRange {
    std::uint16_t segment = 0;
    std::uint8_t first = 0, last = 255;
};

// Registers of every function, and of both kinds of header.
namespace reg {
constexpr std::uint16_t kVendor = 0x00, kDevice = 0x02, kCommand = 0x04, kStatus = 0x06, kRevision = 0x08,
                        kInterface = 0x09, kClass = 0x0a, kHeaderType = 0x0e, kBar0 = 0x10,
                        kSubsystemVendor = 0x2c, kSubsystem = 0x2e, kCapabilities = 0x34;
// Of bridges.
constexpr std::uint16_t kPrimaryBus = 0x18, kSecondaryBus = 0x19, kSubordinateBus = 0x1a, kMemoryBase = 0x20,
                        kMemoryLimit = 0x22, kPrefetchBase = 0x24, kPrefetchLimit = 0x26,
                        kPrefetchBaseUpper = 0x28, kPrefetchLimitUpper = 0x2c;
constexpr std::uint16_t kCommandIo = 1, kCommandMemory = 2, kCommandMaster = 4, kCommandNoInterrupt = 1 << 10;
constexpr std::uint16_t kStatusCapabilities = 1 << 4;
} // namespace reg

} // namespace ashlar::pci
