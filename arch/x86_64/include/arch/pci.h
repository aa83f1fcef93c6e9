// What PCI needs of the architecture. Every architecture has this header.
#pragma once

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

} // namespace ashlar::arch
