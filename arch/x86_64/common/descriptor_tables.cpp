#include <array>

#include "arch/x86_64/common/interrupt_frame.h"
#include "arch/x86_64/common/stacks.h"
#include "lib/vm_abi.h"

namespace ashlar::arch {
namespace {

// Flat segments. The order after the kernel's is what SYSRET asks for: user data, then user code.
constexpr std::uint64_t kKernelCodeSegment = 0x00af'9b00'0000'ffff;
constexpr std::uint64_t kKernelDataSegment = 0x00cf'9300'0000'ffff;
constexpr std::uint64_t kUserDataSegment = 0x00cf'f300'0000'ffff;
constexpr std::uint64_t kUserCodeSegment = 0x00af'fb00'0000'ffff;
constexpr std::uint16_t kKernelCode = 0x08, kKernelData = 0x10, kTaskState = 0x28;

struct [[gnu::packed]] TaskStateSegment {
    std::uint32_t reserved0;
    std::uint64_t rsp[3]; // stacks for entries into ring 0, 1, 2
    std::uint64_t reserved1;
    std::uint64_t ist[7]; // stacks 1 to 7 of the interrupt gates
    std::uint64_t reserved2;
    std::uint16_t reserved3;
    std::uint16_t io_map;
};
static_assert(sizeof(TaskStateSegment) == 104);

struct Gate {
    std::uint64_t low, high;
};
constexpr std::uint64_t kInterruptGate = 0x8e00; // present, ring 0, 64-bit, clears IF

struct [[gnu::packed]] TablePointer {
    std::uint16_t limit;
    const void* base;
};

constinit TaskStateSegment tss{};
constinit std::array<std::uint64_t, 7> gdt = {
    0, kKernelCodeSegment, kKernelDataSegment, kUserDataSegment, kUserCodeSegment,
    0, // the TSS descriptor takes two entries
    0};
constinit std::array<Gate, 256> idt{};

// The stack for a vector; 0: the current one. Double faults come when the current stack has overflowed.
// Events get a stack of their own so that what they interrupt may use the red zone (library code does).
std::uint64_t stack_of(unsigned vector) {
    switch (vector) {
    case 2:                        // NMI
    case 18: return kMachineStack; // machine check
    case 8: return kDoubleFaultStack;
    default: return vector >= 32 ? kEventStack : 0;
    }
}

Gate make_gate(std::uint64_t handler, std::uint64_t stack) {
    return {.low = (handler & 0xffff) | std::uint64_t{kKernelCode} << 16 | stack << 32 |
                   kInterruptGate << 32 | (handler >> 16 & 0xffff) << 48,
            .high = handler >> 32};
}

void fill_task_state() {
    tss.rsp[0] = stack_top(kMainStack);
    for (unsigned stack = 1; stack <= kInterruptStacks; ++stack)
        tss.ist[stack - 1] = stack_top(stack);
    tss.io_map = sizeof tss;
    const auto base = reinterpret_cast<std::uint64_t>(&tss);
    constexpr std::uint64_t kAvailableTss = std::uint64_t{0x89} << 40;
    gdt[kTaskState / 8] =
        (sizeof tss - 1) | (base & 0xff'ffff) << 16 | kAvailableTss | (base >> 24 & 0xff) << 56;
    gdt[kTaskState / 8 + 1] = base >> 32;
}

} // namespace

extern "C" const std::byte interrupt_stubs[];

void load_descriptor_tables() {
    constexpr std::uint64_t kStubSize = 16;
    fill_task_state();
    for (unsigned vector = 0; vector < idt.size(); ++vector)
        idt[vector] = make_gate(reinterpret_cast<std::uint64_t>(interrupt_stubs) + vector * kStubSize,
                                stack_of(vector));

    const TablePointer gdt_pointer{sizeof gdt - 1, gdt.data()};
    const TablePointer idt_pointer{sizeof idt - 1, idt.data()};
    asm volatile("lgdt %0\n\t"
                 "pushq %2\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1:\n\t"
                 "movl %3, %%ds\n\t"
                 "movl %3, %%es\n\t"
                 "movl %3, %%ss\n\t"
                 "movl %4, %%fs\n\t"
                 "movl %4, %%gs\n\t"
                 "ltr %w5\n\t"
                 "lidt %1"
                 :
                 : "m"(gdt_pointer), "m"(idt_pointer), "i"(kKernelCode), "r"(std::uint32_t{kKernelData}),
                   "r"(0), "r"(std::uint32_t{kTaskState})
                 : "rax", "memory");
}

} // namespace ashlar::arch
