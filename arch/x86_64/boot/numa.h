// From ACPI's affinity tables to the kernel's topology.
#pragma once

#include "drivers/acpi/tables.h"
#include "kernel/boot_information.h"
#include "lib/format.h"

namespace ashlar::arch {

// `boot_apic_id` is that of the CPU which runs. Lines about what makes no sense go to `diagnostics`.
void fill_numa(const acpi::Tables& tables, std::uint32_t boot_apic_id, kernel::BootInformation& boot,
               Sink& diagnostics);

} // namespace ashlar::arch
