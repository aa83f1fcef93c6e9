// The fake CPU of host tests: see arch/x86_64/include/arch/cpu.h for what the functions promise. Physical
// memory is what a test gives; time is what it says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/address.h"
#include "lib/format.h"

namespace ashlar::arch {

constexpr const char* kName = "fake";

// The CPU's own name and what it protects us with, for the boot log.
void describe_cpu(Sink& sink);

namespace fake {
extern constinit thread_local unsigned thread_cpu; // set_current_cpu() of arch/fake/machine.h
}
inline unsigned current_cpu() {
    return fake::thread_cpu;
}

void enable_interrupts();
void disable_interrupts();
bool interrupts_enabled();
void wait_for_interrupt();
void kick(unsigned cpu);
void* physical_to_virtual(PhysicalAddress address);
PhysicalAddress virtual_to_physical(const void* direct_map_pointer);
std::uint64_t now_ns();
std::uint64_t counter_hz();
std::uint64_t boot_wall_clock_ns();
void arm_timer(std::uint64_t deadline_ns);
[[noreturn]] void power_off(bool ok);
void console_write(const char* text, std::size_t length);
bool console_read(char& character);

} // namespace ashlar::arch
