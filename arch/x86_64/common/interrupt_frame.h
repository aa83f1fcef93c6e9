// Exceptions and interrupts of our own kernels: the hypervisor and the translator share the machinery and
// differ in interrupt_dispatch().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar::arch {

// What interrupt_stubs.S leaves on the stack.
struct InterruptFrame {
    std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    std::uint64_t vector; // low byte
    std::uint64_t error_code;
    std::uint64_t rip, cs, rflags, rsp, ss; // by the CPU
};
static_assert(sizeof(InterruptFrame) == 22 * 8);
static_assert(offsetof(InterruptFrame, vector) == 15 * 8);

// GDT, TSS and IDT of this CPU. Interrupts stay off.
void load_descriptor_tables();

// Names of the vectors below 32 (AMD64 Architecture Programmer's Manual, volume 2, chapter 8).
std::string_view exception_name(std::uint64_t vector);

} // namespace ashlar::arch
