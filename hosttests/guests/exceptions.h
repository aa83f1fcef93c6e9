// For programs of native VMs that try what they may not do: segments of both rings, exceptions that are recorded, and
// probes that compare what came with what should have. The exit code is the number of the probe that failed, times 256, plus the exception that came.
#include "hosttests/guests/native.h"

#define NOTHING 0xff        // the instruction was executed
#define USER_RETURN 0x80    // the gate by which ring 3 comes back
#define DEBUG 1
#define INVALID_OPCODE 6
#define GENERAL_PROTECTION 13
#define ALIGNMENT_CHECK 17

// Ring 0: executes the instructions, which must raise the exception.
.macro probe number, exception, instructions
    mov     $\number, %r15d
    lea     9f(%rip), %rbp
    mov     %rbp, resume(%rip)
    mov     %rsp, resume_stack(%rip)
    movl    $NOTHING, seen(%rip)
    \instructions
9:  cmpl    $\exception, seen(%rip)
    jne     failed
.endm

// Executes the instructions in ring 3; `seen` says what came of it, USER_RETURN when nothing was raised.
.macro user_try number, instructions
    mov     $\number, %r15d
    lea     9f(%rip), %rbp
    mov     %rbp, resume(%rip)
    mov     %rsp, resume_stack(%rip)
    movl    $NOTHING, seen(%rip)
    push    $0x1b
    push    resume_stack(%rip)
    push    $2
    push    $0x23
    lea     8f(%rip), %rbp
    push    %rbp
    iretq
8:  \instructions
    int     $USER_RETURN
9:
.endm
.macro user_probe number, exception, instructions
    user_try \number, "\instructions"
    cmpl    $\exception, seen(%rip)
    jne     failed
.endm

// Fails with the number of the last probe unless the condition holds.
.macro expect condition
    j\condition 9f
    jmp     failed
9:
.endm

// A gate for `vector` that leads to handler_VECTOR; rbx: the table.
.macro gate vector, attributes=0x8e00
    lea     handler_\vector(%rip), %rax
    mov     %ax, 16*\vector(%rbx)
    movw    $8, 16*\vector+2(%rbx)
    movw    $\attributes, 16*\vector+4(%rbx)
    shr     $16, %rax
    mov     %ax, 16*\vector+6(%rbx)
    shr     $16, %rax
    mov     %eax, 16*\vector+8(%rbx)
.endm
.macro handler vector, has_error_code=0
handler_\vector:
    .if \has_error_code
    pop     error_code(%rip)
    .endif
    movl    $\vector, seen(%rip)
    mov     resume_stack(%rip), %rsp
    jmp     *resume(%rip)
.endm

set_up_exceptions:
    lea     gdt(%rip), %rax
    mov     %rax, gdt_pointer + 2(%rip)
    lea     tss(%rip), %rax
    lea     interrupt_stack(%rip), %rcx
    mov     %rcx, 4(%rax)
    mov     %ax, gdt + 0x28 + 2(%rip)
    shr     $16, %rax
    mov     %al, gdt + 0x28 + 4(%rip)
    mov     %ah, gdt + 0x28 + 7(%rip)
    shr     $16, %rax
    mov     %eax, gdt + 0x28 + 8(%rip)
    lgdt    gdt_pointer(%rip)
    mov     $0x28, %ax
    ltr     %ax
    lea     idt(%rip), %rbx
    gate    1
    gate    6
    gate    8
    gate    13
    gate    14
    gate    17
    gate    224
    gate    128, 0xee00
    mov     %rbx, idt_pointer + 2(%rip)
    lidt    idt_pointer(%rip)
    // Ring 3 may use the first 2 MiB, where all this lies.
    mov     %cr3, %rax
    movabs  $(PRIVATE_BASE - IMAGE_BASE), %rcx
    sub     %rcx, %rax
    orq     $4, 0x2000(%rax)
    mov     %cr3, %rax
    mov     %rax, %cr3
    ret
    handler 1
    handler 6
    handler 8, 1
    handler 13, 1
    handler 14, 1
    handler 17, 1
    handler 224
    handler 128

failed:
    mov     %r15, %rdi
    shl     $8, %rdi
    mov     seen(%rip), %eax
    or      %rax, %rdi
    mov     $POWER_OFF, %eax
    vmmcall

    .data
    .balign 16
gdt:
    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
    .quad   0x0000890000000067, 0
gdt_pointer:
    .short  . - gdt - 1
    .quad   0
    .balign 16
idt:
    .skip   256 * 16
idt_pointer:
    .short  256 * 16 - 1
    .quad   0
    .balign 16
tss:
    .skip   0x66
    .short  0x68
    .balign 16
resume:
    .quad   0
resume_stack:
    .quad   0
error_code:
    .quad   0
seen:
    .long   0
    .balign 16
    .skip   4096
interrupt_stack:
    .text
