// The translator's own page tables.
#pragma once

#include "jit/bare/environment.h"
#include "lib/result.h"
#include "lib/vm_abi.h"

namespace ashlar::arch::translator {

// Replaces the hypervisor's boot mapping by tables with W^X, guard pages below the stacks and the windows of
// layout.h, and fills in the memory of `environment`. Table frames come from the start of the unused private
// memory; the heap is what remains. OutOfMemory when private memory is too small, Malformed when the boot
// information's ranges make no sense.
Status map_memory(const abi::BootInfo& boot, jit::bare::Environment& environment);

} // namespace ashlar::arch::translator
