// svm_run(vmcb, registers, host): runs the VM until an exit. rdi and rdx are physical addresses of control blocks; the
// host's holds what VMLOAD restores. rsi: GuestRegisters (virtual_cpu.h), all general registers but rax and rsp.
//
// Interrupts are on while the global interrupt flag is off: an interrupt of the host makes the VM exit, and is taken
// when the kernel enables interrupts.

    .section .text.svm_run, "ax"
    .globl  svm_run
    .type   svm_run, @function
svm_run:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rdx
    push    %rsi
    mov     %rdi, %rax
    clgi
    vmload  %rax
    mov     0x00(%rsi), %rbx
    mov     0x08(%rsi), %rcx
    mov     0x10(%rsi), %rdx
    mov     0x20(%rsi), %rdi
    mov     0x28(%rsi), %rbp
    mov     0x30(%rsi), %r8
    mov     0x38(%rsi), %r9
    mov     0x40(%rsi), %r10
    mov     0x48(%rsi), %r11
    mov     0x50(%rsi), %r12
    mov     0x58(%rsi), %r13
    mov     0x60(%rsi), %r14
    mov     0x68(%rsi), %r15
    mov     0x18(%rsi), %rsi
    sti
    vmrun   %rax
    cli
    vmsave  %rax
    xchg    %rsi, (%rsp)
    mov     %rbx, 0x00(%rsi)
    mov     %rcx, 0x08(%rsi)
    mov     %rdx, 0x10(%rsi)
    mov     %rdi, 0x20(%rsi)
    mov     %rbp, 0x28(%rsi)
    mov     %r8, 0x30(%rsi)
    mov     %r9, 0x38(%rsi)
    mov     %r10, 0x40(%rsi)
    mov     %r11, 0x48(%rsi)
    mov     %r12, 0x50(%rsi)
    mov     %r13, 0x58(%rsi)
    mov     %r14, 0x60(%rsi)
    mov     %r15, 0x68(%rsi)
    pop     %rcx
    mov     %rcx, 0x18(%rsi)
    pop     %rax
    vmload  %rax
    stgi
    cld
    // What the VM left in registers is none of our code's business.
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %edi, %edi
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret
    .size   svm_run, . - svm_run

    .section .note.GNU-stack, "", @progbits
