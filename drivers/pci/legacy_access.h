// Configuration space through the I/O ports 0xcf8 and 0xcfc: segment 0, the first 256 bytes of each function.
// Specification: PCI Local Bus 3.0, section 3.2.2.3.2 ("configuration mechanism #1").
#pragma once

#include "drivers/pci/config_access.h"

namespace ashlar::pci {

// The ports of a machine that has such.
class PortSpace {
public:
    virtual std::uint8_t in8(std::uint16_t port) = 0;
    virtual std::uint16_t in16(std::uint16_t port) = 0;
    virtual std::uint32_t in32(std::uint16_t port) = 0;
    virtual void out8(std::uint16_t port, std::uint8_t value) = 0;
    virtual void out16(std::uint16_t port, std::uint16_t value) = 0;
    virtual void out32(std::uint16_t port, std::uint32_t value) = 0;

protected:
    ~PortSpace() = default;
};

class LegacyAccess final : public ConfigAccess {
public:
    explicit LegacyAccess(PortSpace& ports) : ports_(ports) {}

    // Whether the mechanism is there at all.
    bool present();

    std::uint8_t read8(FunctionAddress at, std::uint16_t offset) override;
    std::uint16_t read16(FunctionAddress at, std::uint16_t offset) override;
    std::uint32_t read32(FunctionAddress at, std::uint16_t offset) override;
    void write8(FunctionAddress at, std::uint16_t offset, std::uint8_t value) override;
    void write16(FunctionAddress at, std::uint16_t offset, std::uint16_t value) override;
    void write32(FunctionAddress at, std::uint16_t offset, std::uint32_t value) override;
    std::uint16_t space_size() const override { return 256; }

private:
    // Chooses the register; the port of its bytes, or 0 when it cannot be reached.
    std::uint16_t select(FunctionAddress at, std::uint16_t offset);

    PortSpace& ports_;
};

} // namespace ashlar::pci
