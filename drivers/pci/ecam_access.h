// Configuration space in memory: the enhanced configuration access mechanism.
// Specification: PCI Express Base 4.0, section 7.2.2; PCI Firmware 3.3, section 4.1.2 (MCFG).
#pragma once

#include <array>
#include <cstddef>

#include "drivers/pci/config_access.h"
#include "lib/result.h"

namespace ashlar::pci {

class EcamAccess final : public ConfigAccess {
public:
    static constexpr std::size_t kMaxSegments = 8;
    static constexpr std::uint64_t kBytesPerBus = std::uint64_t{1} << 20;

    // `memory` is where the configuration space of bus `range.first` is mapped, uncached; kBytesPerBus for
    // each bus of the range. OutOfMemory when there are too many segments, Overlap when the segment is there
    // already.
    Status add(const BusRange& range, volatile std::byte* memory);

    std::uint8_t read8(FunctionAddress at, std::uint16_t offset) override;
    std::uint16_t read16(FunctionAddress at, std::uint16_t offset) override;
    std::uint32_t read32(FunctionAddress at, std::uint16_t offset) override;
    void write8(FunctionAddress at, std::uint16_t offset, std::uint8_t value) override;
    void write16(FunctionAddress at, std::uint16_t offset, std::uint16_t value) override;
    void write32(FunctionAddress at, std::uint16_t offset, std::uint32_t value) override;
    std::uint16_t space_size() const override { return 4096; }

private:
    struct Segment {
        BusRange buses;
        volatile std::byte* memory;
    };
    template <class T>
    volatile T* find(FunctionAddress at, std::uint16_t offset) const;
    template <class T>
    T read(FunctionAddress at, std::uint16_t offset) const;
    template <class T>
    void write(FunctionAddress at, std::uint16_t offset, T value) const;

    std::array<Segment, kMaxSegments> segments_{};
    std::size_t count_ = 0;
};

} // namespace ashlar::pci
