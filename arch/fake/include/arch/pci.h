// What PCI needs of the architecture. Every architecture has this header.
#pragma once

#include <optional>

#include "drivers/iommu/iommu.h"
#include "drivers/pci/legacy_access.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::arch {

// The I/O ports, by which configuration space can be reached where it is not in memory; null where there are
// none.
pci::PortSpace* port_space();

// Makes device registers accessible, uncached, at physical_to_virtual(). Those that are already stay so.
// OutOfRange when the direct map does not reach there.
Status map_device(PhysicalAddress address, std::uint64_t size);

// What was stored there is in memory when it returns, not in the CPU's caches alone.
void write_back(const void* at, std::size_t size);

// Interrupts of devices, by number.
constexpr unsigned kDeviceInterrupts = 32;
// Where such an interrupt goes. Unsupported when this CPU takes none.
Result<iommu::InterruptTarget> device_interrupt(unsigned number);
// Those that came since the last time, a bit for each number.
std::uint32_t take_device_interrupts();

// The console's interrupt and the I/O APIC that raises it; none when the console is polled.
struct ConsoleInterrupt {
    std::uint8_t io_apic;
    iommu::InterruptTarget target;
};
std::optional<ConsoleInterrupt> console_interrupt();
// From now on it is raised by its number with an IOMMU that remaps interrupts.
void remap_console_interrupt(std::uint16_t number);

} // namespace ashlar::arch
