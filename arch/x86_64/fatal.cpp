#include "kernel/fatal.h"
#include "arch/cpu.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/common/stacks.h"
#include "arch/x86_64/interrupts.h"
#include "kernel/log.h"
#include "lib/assert.h"

namespace ashlar::arch {
namespace {

using kernel::log;

constexpr std::uint64_t kDoubleFault = 8, kPageFault = 14;

} // namespace

void fatal_exception(const InterruptFrame& frame) {
    kernel::enter_fatal();
    const std::uint64_t vector = frame.vector & 0xff;
    log("\nashlar: fatal: exception {} ({}), error code {:#x}\n", vector, exception_name(vector),
        frame.error_code);
    if (vector == kPageFault || vector == kDoubleFault) {
        const std::uint64_t address = read_cr2();
        log("ashlar:   cr2 {:#018x}{}\n", address,
            is_stack_guard(address) ? " (stack overflow: the guard page below a stack)" : "");
    }
    log("ashlar:   rip {:#018x} cs  {:#018x} rfl {:#018x}\n", frame.rip, frame.cs, frame.rflags);
    log("ashlar:   rsp {:#018x} ss  {:#018x} rbp {:#018x}\n", frame.rsp, frame.ss, frame.rbp);
    log("ashlar:   rax {:#018x} rbx {:#018x} rcx {:#018x}\n", frame.rax, frame.rbx, frame.rcx);
    log("ashlar:   rdx {:#018x} rsi {:#018x} rdi {:#018x}\n", frame.rdx, frame.rsi, frame.rdi);
    log("ashlar:   r8  {:#018x} r9  {:#018x} r10 {:#018x}\n", frame.r8, frame.r9, frame.r10);
    log("ashlar:   r11 {:#018x} r12 {:#018x} r13 {:#018x}\n", frame.r11, frame.r12, frame.r13);
    log("ashlar:   r14 {:#018x} r15 {:#018x} cr3 {:#018x}\n", frame.r14, frame.r15, read_cr3());
    kernel::print_backtrace(frame.rip, frame.rbp, is_on_stack);
    power_off(false);
}

} // namespace ashlar::arch

namespace ashlar {

void assertion_failed(const char* expression, const char* file, int line) {
    kernel::fatal_assertion(expression, file, line,
                            reinterpret_cast<std::uint64_t>(__builtin_return_address(0)),
                            reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)), arch::is_on_stack);
}

} // namespace ashlar
