// The CPU as generic code sees it. Every architecture (and the fake one of the host tests) has this header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/address.h"
#include "lib/format.h"

namespace ashlar::arch {

constexpr const char* kName = "x86_64";

// The CPU's own name and what it protects us with, for the boot log.
void describe_cpu(Sink& sink);

// The number of the CPU that runs this, from 0 on without gaps. The others are not started.
inline unsigned current_cpu() {
    return 0;
}

// Interrupts of this CPU.
void enable_interrupts();
void disable_interrupts();
bool interrupts_enabled();
// Sleeps until an interrupt; atomic with enabling them, returns with interrupts off.
void wait_for_interrupt();

// Makes a CPU leave the VM that it runs, or enter one only to leave it again.
void kick(unsigned cpu);

// The direct map of all physical memory (writable, never executable).
void* physical_to_virtual(PhysicalAddress address);
PhysicalAddress virtual_to_physical(const void* direct_map_pointer);

// Monotonic time since boot, and the counter behind it.
std::uint64_t now_ns();
std::uint64_t counter_hz();
// Unix time at now_ns() == 0, from the real-time clock; 0 when there is none.
std::uint64_t boot_wall_clock_ns();
// One timer interrupt at or after `deadline` (now_ns time); replaces the one before. ~0: none.
void arm_timer(std::uint64_t deadline_ns);

// Ends everything. `ok` decides the exit code where there is one (QEMU's isa-debug-exit: 33 or 35), Bochs'
// shutdown port and ACPI S5 where they exist; else halts for ever.
[[noreturn]] void power_off(bool ok);

// The console: blocking write, non-blocking read.
void console_write(const char* text, std::size_t length);
bool console_read(char& character);

} // namespace ashlar::arch
