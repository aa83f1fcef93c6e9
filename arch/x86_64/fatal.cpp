// The last words of a hypervisor that cannot go on.
#include "arch/cpu.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/common/stacks.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/symbols.h"
#include "kernel/log.h"
#include "lib/assert.h"

namespace ashlar::arch {
namespace {

using kernel::log;

constexpr std::uint64_t kDoubleFault = 8, kPageFault = 14;

constinit bool dying = false;

// A second failure on the way must not start over.
void enter_fatal() {
    disable_interrupts();
    if (dying)
        power_off(false);
    dying = true;
}

void print_frame(std::uint64_t address) {
    const Symbol symbol = find_symbol(address);
    if (symbol.name.empty())
        log("ashlar:   {:#018x}\n", address);
    else
        log("ashlar:   {:#018x} {}+{:#x}\n", address, symbol.name, symbol.offset);
}

} // namespace

void print_backtrace(std::uint64_t rip, std::uint64_t rbp) {
    constexpr unsigned kMaxDepth = 32;
    log("ashlar: call chain\n");
    print_frame(rip);
    for (unsigned depth = 0; depth < kMaxDepth && is_on_stack(rbp, 16) && rbp % 8 == 0; ++depth) {
        const auto* const frame = reinterpret_cast<const std::uint64_t*>(rbp);
        if (frame[1] == 0)
            return;
        print_frame(frame[1] - 1); // within the call instruction
        if (frame[0] <= rbp)
            return;
        rbp = frame[0];
    }
}

void fatal_exception(const InterruptFrame& frame) {
    enter_fatal();
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
    print_backtrace(frame.rip, frame.rbp);
    power_off(false);
}

} // namespace ashlar::arch

namespace ashlar {

void assertion_failed(const char* expression, const char* file, int line) {
    using namespace arch;
    using kernel::log;
    enter_fatal();
    log("\nashlar: fatal: assertion failed: {} at {}:{}\n", expression, file, line);
    print_backtrace(reinterpret_cast<std::uint64_t>(__builtin_return_address(0)),
                    reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    power_off(false);
}

} // namespace ashlar
