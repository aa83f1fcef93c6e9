// Exceptions and injected interrupts of the translator.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch::translator {

// What interrupt_stubs.S leaves on the stack.
struct InterruptFrame {
    std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    std::uint64_t vector; // low byte
    std::uint64_t error_code;
    std::uint64_t rip, cs, rflags, rsp, ss; // by the CPU
};
static_assert(sizeof(InterruptFrame) == 22 * 8);
static_assert(offsetof(InterruptFrame, vector) == 15 * 8);

// GDT, TSS and IDT. Interrupts stay off.
void load_descriptor_tables();

// Reports the registers, and what led there, by Hypercall::Crash.
[[noreturn]] void exception_is_fatal(const InterruptFrame& frame);

// Ends the VM with a report of our own.
[[noreturn]] void crash(const char* what, std::uint64_t value = 0);

} // namespace ashlar::arch::translator
