// Gives addresses to memory BARs that firmware has left without, and opens bridges for them.
#pragma once

#include <span>

#include "drivers/pci/function.h"

namespace ashlar::pci {

// `functions` are all of a segment, bridges before what is behind them, as enumerate() finds them. Addresses
// come from `aperture`, which lies below 4 GiB, without `reserved`; behind bridges from their windows. I/O
// BARs stay as they are. What gets no address is told to `diagnostics`. Returns how many got one.
unsigned assign_memory(ConfigAccess& access, std::span<Function> functions, std::uint8_t root_bus,
                       const AddressRange& aperture, std::span<const AddressRange> reserved,
                       Sink& diagnostics);

// Makes a function, and the bridges above it, answer to memory accesses and access memory themselves.
void enable(ConfigAccess& access, std::span<const Function> functions, const Function& function);

} // namespace ashlar::pci
