// What host tests set and see of the fake CPU. One machine per process, used by one thread; the memory alone
// may be used by several, each of which is a CPU of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "drivers/pci/legacy_access.h"

namespace ashlar::arch::fake {

struct Machine {
    std::byte* memory = nullptr; // physical address 0
    std::uint64_t memory_size = 0;
    std::uint64_t now_ns = 0;
    std::uint64_t timer_deadline = ~std::uint64_t{0};
    std::uint64_t timer_interrupts = 0; // taken
    std::uint64_t waits = 0;            // times that the CPU slept
    bool interrupts_on = false;
    std::string console_output;
    std::string console_input; // taken from the front
    // What happens when a CPU is kicked; by any thread.
    std::function<void(unsigned)> on_kick;
    pci::PortSpace* ports = nullptr;
    std::uint32_t device_interrupts = 0; // that have come, a bit for each number
    // What happens while the CPU waits; by default time jumps to the timer's deadline.
    std::function<void()> on_wait;
};
Machine& machine();

// The calling thread is CPU `number` from now on. It is CPU 0 otherwise.
void set_current_cpu(unsigned number);

} // namespace ashlar::arch::fake
