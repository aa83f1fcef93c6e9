#include "arch/x86_64/interrupts.h"

#include <atomic>

#include "arch/cpu.h"
#include "arch/pci.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/local_apic.h"

namespace ashlar::arch {
namespace {

constinit std::atomic<std::uint32_t> device_interrupts{0};

} // namespace

std::uint32_t take_device_interrupts() {
    return device_interrupts.exchange(0, std::memory_order_relaxed);
}

// Interrupts only wake: the scheduler looks at clock, console and devices' interrupts
// whenever it runs.
extern "C" void interrupt_dispatch(const InterruptFrame& frame) {
    const std::uint64_t vector = frame.vector & 0xff;
    switch (vector) {
    case kTimerInterruptVector:
    case kConsoleInterruptVector:
    case kKickVector: return end_of_interrupt();
    case kSpuriousVector: return;
    default: break;
    }
    if (vector < 32)
        fatal_exception(frame);
    // Nobody was programmed to send others.
    if (vector >= kFirstDeviceVector && vector < kFirstDeviceVector + kDeviceInterrupts)
        device_interrupts.fetch_or(1u << (vector - kFirstDeviceVector), std::memory_order_relaxed);
    end_of_interrupt();
}

// What waits is taken before the next instruction of the caller: STI holds it back for one.
void enable_interrupts() {
    asm volatile("sti; nop" : : : "memory");
}
void disable_interrupts() {
    asm volatile("cli" : : : "memory");
}
bool interrupts_enabled() {
    std::uint64_t flags;
    asm volatile("pushfq; popq %0" : "=r"(flags));
    constexpr std::uint64_t kInterruptFlag = 1 << 9;
    return (flags & kInterruptFlag) != 0;
}
void wait_for_interrupt() {
    asm volatile("sti; hlt; cli" : : : "memory"); // no interrupt is taken between the first two
}

} // namespace ashlar::arch
