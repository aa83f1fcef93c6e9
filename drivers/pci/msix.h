// The MSI-X vectors of a function. Specification: PCI Local Bus 3.0, section 6.8.2.
#pragma once

#include "drivers/pci/function.h"
#include "lib/assert.h"

namespace ashlar::pci {

// What a function writes where when it interrupts.
struct MsixMessage {
    std::uint64_t address;
    std::uint32_t data;
};

// The table in a function's memory, mapped uncached.
class MsixTable {
public:
    MsixTable(volatile std::byte* table, std::uint16_t vectors) : table_(table), vectors_(vectors) {}

    std::uint16_t vectors() const { return vectors_; }
    // Vectors are masked until they are given something to say.
    void set(std::uint16_t vector, const MsixMessage& message);
    void mask(std::uint16_t vector, bool masked);
    bool masked(std::uint16_t vector) const;

private:
    volatile std::uint32_t& word(std::uint16_t vector, unsigned index) const {
        ASHLAR_ASSERT(vector < vectors_);
        return *reinterpret_cast<volatile std::uint32_t*>(table_ + std::size_t{vector} * 16 + 4 * index);
    }
    volatile std::byte* table_;
    std::uint16_t vectors_;
};

// Whether the function interrupts by its vectors. Turning them on also turns off its interrupt pin.
void enable_msix(ConfigAccess& access, const Function& function, bool on);

} // namespace ashlar::pci
