// From ACPI's affinity tables to the kernel's topology.
#pragma once

#include "drivers/acpi/tables.h"
#include "kernel/boot_information.h"

namespace ashlar::arch {

void fill_numa(const acpi::Tables& tables, kernel::BootInformation& boot);

} // namespace ashlar::arch
