// The services that VMs ask for (lib/vm_abi.h, docs/hypercalls.md).
#pragma once

#include "kernel/console.h"
#include "kernel/vm.h"

namespace ashlar::kernel {

// Carries out one call of `vm`, whose every argument is hostile until checked, and answers it. The call may
// end the VM: `report` then has why, for a failure.
void handle_hypercall(Vm& vm, const HypercallRequest& request, Console& console, Sink& report);

} // namespace ashlar::kernel
