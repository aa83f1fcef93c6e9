#include "arch/aarch64/exceptions.h"

#include "arch/aarch64/gic.h"
#include "arch/aarch64/registers.h"
#include "arch/aarch64/stacks.h"
#include "arch/cpu.h"
#include "kernel/fatal.h"
#include "kernel/log.h"
#include "lib/assert.h"

namespace ashlar::arch {
namespace {

using kernel::log;

constexpr std::uint64_t kClassUnknown = 0x00, kClassInstructionAbort = 0x21, kClassDataAbort = 0x25;
constexpr std::uint64_t kInstructionLength = 4;

constinit bool probing_semihosting = false;
constinit volatile bool semihosting_refused = false;

std::uint64_t class_of(std::uint64_t syndrome) {
    return syndrome >> 26 & 0x3f;
}

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::Synchronous: return "synchronous";
    case Kind::Irq: return "IRQ";
    case Kind::Fiq: return "FIQ";
    case Kind::SError: return "SError";
    }
    return "unknown";
}

} // namespace

std::string_view exception_class_name(std::uint64_t ec) {
    switch (ec) {
    case kClassUnknown: return "undefined instruction";
    case 0x01: return "WFI or WFE";
    case 0x07: return "floating point or SIMD";
    case 0x0e: return "illegal execution state";
    case 0x16: return "HVC";
    case 0x17: return "SMC";
    case 0x18: return "system register";
    case 0x20: return "instruction abort of a lower level";
    case kClassInstructionAbort: return "instruction abort";
    case 0x22: return "misaligned PC";
    case 0x24: return "data abort of a lower level";
    case kClassDataAbort: return "data abort";
    case 0x26: return "misaligned SP";
    case 0x2f: return "SError";
    case 0x3c: return "BRK";
    default: return "another class";
    }
}

void fatal_exception(const ExceptionFrame& frame, Kind kind, Origin origin) {
    kernel::enter_fatal();
    const std::uint64_t syndrome = READ_REGISTER(esr_el2), ec = class_of(syndrome);
    log("\nashlar: fatal: {} exception{}, class {:#x} ({}), syndrome {:#x}\n", kind_name(kind),
        origin == Origin::Handler ? " while another was handled" : "", ec, exception_class_name(ec),
        syndrome);
    if (ec == kClassInstructionAbort || ec == kClassDataAbort) {
        const std::uint64_t address = READ_REGISTER(far_el2);
        log("ashlar:   far {:#018x}{}\n", address,
            is_stack_guard(address) ? " (stack overflow: the guard page below a stack)" : "");
    }
    log("ashlar:   elr {:#018x} sp  {:#018x} spsr {:#010x}\n", frame.elr, frame.sp, frame.spsr);
    for (unsigned i = 0; i < 30; i += 3)
        log("ashlar:   x{}{} {:#018x} x{}{} {:#018x} x{}{} {:#018x}\n", i, i < 10 ? " " : "", frame.x[i],
            i + 1, i + 1 < 10 ? " " : "", frame.x[i + 1], i + 2, i + 2 < 10 ? " " : "", frame.x[i + 2]);
    log("ashlar:   x30 {:#018x} ttbr0 {:#018x}\n", frame.x[30], READ_REGISTER(ttbr0_el2));
    kernel::print_backtrace(frame.elr, frame.x[29], is_on_stack);
    power_off(false);
}

extern "C" void exception_dispatch(ExceptionFrame& frame, Kind kind, Origin origin) {
    if (kind == Kind::Irq && origin == Origin::Program)
        return take_interrupt();
    if (probing_semihosting && kind == Kind::Synchronous &&
        class_of(READ_REGISTER(esr_el2)) == kClassUnknown) {
        semihosting_refused = true;
        frame.elr += kInstructionLength;
        return;
    }
    fatal_exception(frame, kind, origin);
}

bool call_semihosting(std::uint64_t operation, std::uint64_t parameter) {
    probing_semihosting = true;
    semihosting_refused = false;
    register std::uint64_t x0 asm("x0") = operation;
    register std::uint64_t x1 asm("x1") = parameter;
    asm volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    probing_semihosting = false;
    return !semihosting_refused;
}

// What waits is taken before the next instruction of the caller.
void enable_interrupts() {
    asm volatile("msr daifclr, #2\n\tisb" : : : "memory");
}
void disable_interrupts() {
    asm volatile("msr daifset, #2" : : : "memory");
}
bool interrupts_enabled() {
    constexpr std::uint64_t kIrqMasked = 1 << 7;
    return (READ_REGISTER(daif) & kIrqMasked) == 0;
}
// WFI ends for an interrupt that is masked, too.
void wait_for_interrupt() {
    asm volatile("dsb sy\n\twfi" : : : "memory");
    enable_interrupts();
    disable_interrupts();
}

} // namespace ashlar::arch

namespace ashlar {

void assertion_failed(const char* expression, const char* file, int line) {
    kernel::fatal_assertion(expression, file, line,
                            reinterpret_cast<std::uint64_t>(__builtin_return_address(0)),
                            reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)), arch::is_on_stack);
}

} // namespace ashlar
