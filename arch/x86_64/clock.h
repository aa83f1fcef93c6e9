// Clocks: the time-stamp counter for time, the local APIC's timer for deadlines, both measured against the
// PIT.
#pragma once

namespace ashlar::arch {

// After initialize_interrupts().
void initialize_clock();

} // namespace ashlar::arch
