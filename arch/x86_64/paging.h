// The hypervisor's own address space: its image with the rights of each section, and the direct map.
#pragma once

#include "arch/x86_64/page_table_format.h"
#include "kernel/boot_information.h"
#include "lib/format.h"

namespace ashlar::arch {

using HostFormat = LongModeFormat<VirtualAddress, PhysicalAddress>;

// Builds the final tables and loads them; frames for tables come from usable memory and are recorded in
// `boot.early_begin`.
Status enter_final_address_space(kernel::BootInformation& boot);

// Walks the live tables and complains of pages that are writable and executable. True when there is none.
bool check_write_xor_execute(Sink& sink);

} // namespace ashlar::arch
