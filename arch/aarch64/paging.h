// The hypervisor's own address space: its image with the rights of each section, and the direct map.
#pragma once

#include "kernel/boot_information.h"
#include "lib/format.h"

namespace ashlar::arch {

// Of the image's own symbols, wherever it was loaded.
PhysicalAddress image_to_physical(const void* symbol);
// Before anything else here: where the image was loaded.
void set_image_address(PhysicalAddress image);

// Have the boot tables reach the usable memory of the image's gibibyte; and the console's registers, whose
// place is returned.
void reach_usable_memory(const kernel::BootInformation& boot);
void* reach_boot_device(PhysicalAddress registers);

// Builds the final tables and loads them; frames for tables come from usable memory and are recorded in
// `boot.early_begin`. What was reached before is reached no more.
Status enter_final_address_space(kernel::BootInformation& boot);

// Walks the live tables and complains of pages that are writable and executable. True when there is none.
bool check_write_xor_execute(Sink& sink);

} // namespace ashlar::arch
