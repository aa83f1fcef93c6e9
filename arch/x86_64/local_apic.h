// The local APIC (AMD64 Architecture Programmer's Manual, volume 2, chapter 16) and the interrupt routing
// that the hypervisor needs: its timer and the console.
#pragma once

#include <cstdint>

#include "drivers/acpi/tables.h"
#include "lib/format.h"

namespace ashlar::arch {

// Masks the legacy controllers, enables this CPU's APIC and routes the console's interrupt to it. The console
// is polled by the timer when there is no I/O APIC.
Status initialize_interrupts(const acpi::Tables& tables, Sink& diagnostics);

void end_of_interrupt();

// To the CPU with that APIC; interrupts are off.
void send_interrupt(std::uint32_t apic_id, unsigned vector);

// The timer counts down from `ticks` once and interrupts. 0 stops it.
void start_apic_timer(std::uint32_t ticks);
std::uint32_t apic_timer_count();

} // namespace ashlar::arch
