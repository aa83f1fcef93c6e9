// The interrupt controller: a GICv3 (Arm IHI 0069) whose CPU interface is system registers.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/format.h"
#include "lib/result.h"

namespace ashlar::arch {

// As the device tree describes it.
struct InterruptController {
    PhysicalAddress distributor, redistributors;
    std::uint64_t redistributors_size = 0; // bytes of the first region
    unsigned timer = 26;                   // INTID of EL2's physical timer
    unsigned virtual_timer = 27;           // of the VMs' timer
    unsigned console = 0;                  // INTID, 0: there is none
};

// Maps the registers, wakes this CPU's redistributor and routes timer and console to it. Unsupported when
// there is no GICv3.
Status initialize_interrupts(const InterruptController& controller, Sink& diagnostics);

// Takes all interrupts that wait: they only wake, the scheduler looks at clock and console whenever it runs.
void take_interrupt();

} // namespace ashlar::arch
