// Programs that the hypervisor's image carries.
#pragma once

#include "lib/bytes.h"

namespace ashlar::kernel {

// The kernel of translated VMs (an ELF64 for the host's instruction set).
Bytes embedded_translator();
// What runs when there is no boot bundle: a small riscv64 program.
Bytes embedded_guest();

} // namespace ashlar::kernel
