// What PCI needs of the architecture. Every architecture has this header.
#pragma once

#include <optional>

#include "drivers/iommu/iommu.h"
#include "drivers/pci/legacy_access.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::arch {

// There are no I/O ports.
inline pci::PortSpace* port_space() {
    return nullptr;
}

// Makes device registers accessible, uncached, at physical_to_virtual(). Those that are already stay so.
// OutOfRange when the direct map does not reach there.
Status map_device(PhysicalAddress address, std::uint64_t size);

// What was stored there is in memory when it returns, not in the CPU's caches alone.
inline void write_back(const void* at, std::size_t size) {
    std::uint64_t type;
    asm("mrs %0, ctr_el0" : "=r"(type));
    const std::uintptr_t line = std::uintptr_t{4} << (type >> 16 & 15);
    const auto begin = reinterpret_cast<std::uintptr_t>(at) & ~(line - 1);
    const auto end = reinterpret_cast<std::uintptr_t>(at) + size;
    for (std::uintptr_t address = begin; address < end; address += line)
        asm volatile("dc civac, %0" : : "r"(address) : "memory");
    asm volatile("dsb sy" : : : "memory");
}

// Interrupts of devices, by number. None are taken as yet.
constexpr unsigned kDeviceInterrupts = 32;
inline Result<iommu::InterruptTarget> device_interrupt(unsigned) {
    return Error::Unsupported;
}
inline std::uint32_t take_device_interrupts() {
    return 0;
}

// The console's interrupt and the controller that raises it, where IOMMUs remap that.
struct ConsoleInterrupt {
    std::uint8_t io_apic;
    iommu::InterruptTarget target;
};
inline std::optional<ConsoleInterrupt> console_interrupt() {
    return std::nullopt;
}
inline void remap_console_interrupt(std::uint16_t) {}

} // namespace ashlar::arch
