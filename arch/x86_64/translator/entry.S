// Entry from the hypervisor in the state that lib/vm_abi.h describes: rdi = BootInfo. Prepares what compiled
// code needs (a stack with a guard page below it, SSE) and never returns.
#include "arch/x86_64/common/stack_size.h"

    .section .text.entry, "ax"
    .globl  translator_start
    .type   translator_start, @function
translator_start:
    cld
    lea     main_stack + STACK_GUARD_SIZE + MAIN_STACK_SIZE(%rip), %rsp
    xor     %ebp, %ebp                  // ends backtraces

    mov     %cr0, %rax
    and     $~0xc, %rax                 // EM, TS
    or      $0x10022, %rax              // WP, NE, MP
    mov     %rax, %cr0
    mov     %cr4, %rax
    or      $0x600, %rax                // OSFXSR, OSXMMEXCPT
    mov     %rax, %cr4
    fninit
    push    $0x1f80                     // all exceptions masked, round to nearest
    ldmxcsr (%rsp)
    pop     %rax

    call    translator_entry
    ud2
    .size   translator_start, . - translator_start

    .section .note.GNU-stack, "", @progbits
