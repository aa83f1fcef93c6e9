// What the boot protocols hand over, turned into BootInformation. The loader's structures are checked like
// any other input.
#pragma once

#include "drivers/acpi/tables.h"
#include "kernel/boot_information.h"

namespace ashlar::arch {

// `start`: physical address of hvm_start_info (Xen's public/arch-x86/hvm/start_info.h, version 0 and 1).
Status read_pvh(acpi::PhysicalReader& memory, PhysicalAddress start, kernel::BootInformation& boot);
// `start`: of the multiboot2 information (Multiboot2 Specification 2.0, section 3.6).
Status read_multiboot2(acpi::PhysicalReader& memory, PhysicalAddress start, kernel::BootInformation& boot);

} // namespace ashlar::arch
