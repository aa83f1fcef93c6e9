// The way out.
#pragma once

#include "drivers/acpi/tables.h"

namespace ashlar::arch {

// Lets power_off() use ACPI's soft-off state.
void set_soft_off(const acpi::Tables& tables);

} // namespace ashlar::arch
