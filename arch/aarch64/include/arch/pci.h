// What PCI needs of the architecture. Every architecture has this header.
#pragma once

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

} // namespace ashlar::arch
