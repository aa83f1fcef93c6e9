// The last words of a translator that cannot go on: registers and a backtrace, as one Crash hypercall.
#include <string_view>

#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/common/stacks.h"
#include "arch/x86_64/translator/interrupts.h"
#include "arch/x86_64/translator/layout.h"
#include "jit/bare/console.h"
#include "jit/bare/hypervisor.h"
#include "lib/assert.h"
#include "lib/format.h"

namespace ashlar::arch::translator {
namespace {

using Report = BufferSink<2048>;

constexpr std::uint64_t kDoubleFault = 8, kPageFault = 14;

// Sends the report. The memory that holds it is part of the image, which has one fixed place.
[[noreturn]] void send(const Report& report) {
    jit::bare::flush_console_before_crash();
    jit::bare::AddressWindows windows;
    static_cast<void>(windows.add(kImageBase, GuestPhysicalAddress(abi::kPrivateBase), kImageMaxSize));
    jit::bare::Hypervisor(windows).crash(report.view());
}

// Follows the chain of frame pointers as long as it stays on our stacks and goes up.
void backtrace(Sink& sink, std::uint64_t frame) {
    constexpr unsigned kDepth = 24;
    format(sink, "backtrace:");
    for (unsigned depth = 0; depth < kDepth && frame % 8 == 0 && is_on_stack(frame, 16); ++depth) {
        const auto* const words = reinterpret_cast<const std::uint64_t*>(frame);
        format(sink, " {:#x}", words[1]);
        if (words[0] <= frame)
            break;
        frame = words[0];
    }
    format(sink, "\n");
}

void registers(Sink& sink, const InterruptFrame& f) {
    format(sink, "rip {:016x} rsp {:016x} rbp {:016x} flags {:x}\n", f.rip, f.rsp, f.rbp, f.rflags);
    format(sink, "rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}\n", f.rax, f.rbx, f.rcx, f.rdx);
    format(sink, "rsi {:016x} rdi {:016x} r8  {:016x} r9  {:016x}\n", f.rsi, f.rdi, f.r8, f.r9);
    format(sink, "r10 {:016x} r11 {:016x} r12 {:016x} r13 {:016x}\n", f.r10, f.r11, f.r12, f.r13);
    format(sink, "r14 {:016x} r15 {:016x} cr2 {:016x} cr3 {:016x}\n", f.r14, f.r15, read_cr2(), read_cr3());
}

} // namespace

void exception_is_fatal(const InterruptFrame& frame) {
    const std::uint64_t vector = frame.vector & 0xff;
    Report report;
    format(report, "translator: exception {} ({}), error code {:#x}", vector, exception_name(vector),
           frame.error_code);
    if (vector == kPageFault)
        format(report, ", address {:#x}", read_cr2());
    if (vector == kDoubleFault && is_stack_guard(read_cr2()))
        format(report, ", stack overflow");
    format(report, "\n");
    registers(report, frame);
    backtrace(report, frame.rbp);
    send(report);
}

void crash(const char* what, std::uint64_t value) {
    Report report;
    format(report, "translator: {} ({:#x})\n", what, value);
    send(report);
}

} // namespace ashlar::arch::translator

namespace ashlar {

void assertion_failed(const char* expression, const char* file, int line) {
    arch::translator::Report report;
    format(report, "translator: {}:{}: assertion failed: {}\n", file, line, expression);
    arch::translator::backtrace(report, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    arch::translator::send(report);
}

} // namespace ashlar
