// The CPU as generic code sees it: see arch/x86_64/include/arch/cpu.h for what the functions promise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/address.h"
#include "lib/format.h"

namespace ashlar::arch {

constexpr const char* kName = "aarch64";

// The CPU's own name and what it protects us with, for the boot log.
void describe_cpu(Sink& sink);

// The others are not started.
inline unsigned current_cpu() {
    return 0;
}

void enable_interrupts();
void disable_interrupts();
bool interrupts_enabled();
void wait_for_interrupt();
void kick(unsigned cpu);
void* physical_to_virtual(PhysicalAddress address);
PhysicalAddress virtual_to_physical(const void* direct_map_pointer);
// CNTPCT_EL0, and what the firmware says of its frequency.
std::uint64_t now_ns();
std::uint64_t counter_hz();
// From the PL031.
std::uint64_t boot_wall_clock_ns();
void arm_timer(std::uint64_t deadline_ns);
// By semihosting with the exit code 33 or 35 where an emulator or a debugger offers it, else by PSCI; else
// halts for ever.
[[noreturn]] void power_off(bool ok);
// The PL011.
void console_write(const char* text, std::size_t length);
bool console_read(char& character);

} // namespace ashlar::arch
