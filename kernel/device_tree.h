// Memory, CPUs and their nodes as a flattened device tree describes them: what aarch64 boots with.
// Specification: Devicetree Specification 0.4, chapters 3 and 5.3; Linux's bindings numa.txt (numa-node-id,
// numa-distance-map-v1).
#pragma once

#include "kernel/boot_information.h"
#include "lib/fdt_reader.h"
#include "lib/format.h"

namespace ashlar::kernel {

// Fills the memory map (what is reserved of it included), the number of CPUs and the topology. The boot CPU
// is the one whose `reg` is `boot_cpu`. Malformed when no memory can be made out; what else makes no sense is
// left out, with a line to `diagnostics`.
Status read_device_tree(const fdt::Tree& tree, std::uint64_t boot_cpu, BootInformation& boot,
                        Sink& diagnostics);

} // namespace ashlar::kernel
