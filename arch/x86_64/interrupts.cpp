#include "arch/x86_64/interrupts.h"

#include "arch/cpu.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/local_apic.h"

namespace ashlar::arch {

// Interrupts only wake: the scheduler looks at clock and console whenever it runs.
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
    end_of_interrupt(); // nobody was programmed to send it
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
