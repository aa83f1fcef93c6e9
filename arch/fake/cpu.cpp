#include "arch/cpu.h"
#include "arch/pci.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "arch/fake/machine.h"
#include "lib/assert.h"

namespace ashlar::arch {

namespace fake {
Machine& machine() {
    static Machine instance;
    return instance;
}

constinit thread_local unsigned thread_cpu = 0;
void set_current_cpu(unsigned number) {
    thread_cpu = number;
}
} // namespace fake

using fake::machine;

void describe_cpu(Sink& sink) {
    sink.write("fake");
}

// An interrupt of the timer that is due is taken where it can be.
static void take_timer_interrupt() {
    if (machine().timer_deadline > machine().now_ns)
        return;
    machine().timer_deadline = ~std::uint64_t{0};
    ++machine().timer_interrupts;
}

void enable_interrupts() {
    machine().interrupts_on = true;
    take_timer_interrupt();
}
void disable_interrupts() {
    machine().interrupts_on = false;
}
bool interrupts_enabled() {
    return machine().interrupts_on;
}
void wait_for_interrupt() {
    ++machine().waits;
    if (machine().on_wait) {
        machine().on_wait();
    } else {
        ASHLAR_ASSERT(machine().timer_deadline != ~std::uint64_t{0}); // nothing would ever wake us
        machine().now_ns = std::max(machine().now_ns, machine().timer_deadline);
    }
    take_timer_interrupt();
}
void kick(unsigned cpu) {
    if (machine().on_kick)
        machine().on_kick(cpu);
}
void* physical_to_virtual(PhysicalAddress address) {
    ASHLAR_ASSERT(address.value() < machine().memory_size);
    return machine().memory + address.value();
}
PhysicalAddress virtual_to_physical(const void* pointer) {
    return PhysicalAddress(
        static_cast<std::uint64_t>(static_cast<const std::byte*>(pointer) - machine().memory));
}
pci::PortSpace* port_space() {
    return machine().ports;
}
Status map_device(PhysicalAddress address, std::uint64_t size) {
    const std::uint64_t memory = machine().memory_size;
    return address.value() < memory && size <= memory - address.value() ? Status()
                                                                        : Status(Error::OutOfRange);
}
void write_back(const void*, std::size_t) {}
Result<iommu::InterruptTarget> device_interrupt(unsigned number) {
    return iommu::InterruptTarget{.vector = static_cast<std::uint8_t>(0x50 + number)};
}
std::uint32_t take_device_interrupts() {
    return std::exchange(machine().device_interrupts, 0);
}
std::optional<ConsoleInterrupt> console_interrupt() {
    return std::nullopt;
}
void remap_console_interrupt(std::uint16_t) {}
std::uint64_t now_ns() {
    return machine().now_ns;
}
std::uint64_t counter_hz() {
    return 1'000'000'000;
}
std::uint64_t boot_wall_clock_ns() {
    return 1'700'000'000'000'000'000;
}
void arm_timer(std::uint64_t deadline_ns) {
    machine().timer_deadline = deadline_ns;
}
void power_off(bool ok) {
    std::fwrite(machine().console_output.data(), 1, machine().console_output.size(), stderr);
    std::_Exit(ok ? 33 : 35); // death tests look at it
}
void console_write(const char* text, std::size_t length) {
    machine().console_output.append(text, length);
}
bool console_read(char& character) {
    if (machine().console_input.empty())
        return false;
    character = machine().console_input.front();
    machine().console_input.erase(0, 1);
    return true;
}

} // namespace ashlar::arch
