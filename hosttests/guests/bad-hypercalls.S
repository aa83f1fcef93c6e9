// Asks for what must be refused, and ends well when it was; the exit code is the number of the check that failed.
#include "hosttests/guests/native.h"
    .globl  _start
// A call, and the status (lib/vm_abi.h) that it must have.
.macro refused check, status, number, first=0, second=0, third=0, fourth=0
    mov     $\check, %r15d
    hypercall \number, \first, \second, \third, \fourth
    cmp     $\status, %rax
    jne     failed
.endm
_start:
    refused 1, 1, 999                                       // unknown call
    refused 2, 2, CONSOLE_WRITE, 0x1000, 8                  // not its memory
    refused 3, 2, CONSOLE_WRITE, 0xffffffffffffffff, 8      // wraps
    refused 4, 3, CONSOLE_WRITE, PRIVATE_BASE, 0xffffffffffffffff
    refused 5, 2, CONSOLE_READ, 0x7000000000, 16
    refused 6, 4, BLOCK_INFO, 0, PRIVATE_BASE               // no such disk
    refused 7, 4, BLOCK_READ, 0xffffffffffffffff, 0, PRIVATE_BASE, 512
    refused 8, 2, STATISTICS, 0x1ffffffffffff000
    refused 9, 2, STATISTICS, 0x1004000000000               // beyond the guest-physical width
    refused 10, 2, CONSOLE_WRITE, (0x80200000-4), 8         // the last bytes of RAM and what is behind
    // A model-specific register that is the hypervisor's: #GP, which the handler takes for the expected end.
    lea     handler(%rip), %rax
    lea     idt(%rip), %rbx
    mov     %ax, 13*16(%rbx)
    movw    $8, 13*16+2(%rbx)
    movw    $0x8e00, 13*16+4(%rbx)
    shr     $16, %rax
    mov     %ax, 13*16+6(%rbx)
    shr     $16, %rax
    mov     %eax, 13*16+8(%rbx)
    lea     idt_pointer(%rip), %rcx
    mov     %rbx, 2(%rcx)
    lidt    (%rcx)
    lea     gdt(%rip), %rax
    mov     %rax, gdt_pointer + 2(%rip)
    lgdt    gdt_pointer(%rip)
    mov     $11, %r15d
    mov     $0xc0010117, %ecx                               // VM_HSAVE_PA
    xor     %eax, %eax
    xor     %edx, %edx
    wrmsr
failed:
    mov     %r15, %rdi
    mov     $POWER_OFF, %eax
    vmmcall
handler:
    hypercall POWER_OFF, 0
    .balign 16
idt:
    .skip   256
idt_pointer:
    .short  255
    .quad   0
    .balign 8
gdt:
    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .short  23
    .quad   0
