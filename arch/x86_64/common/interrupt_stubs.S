// One stub per vector: completes the frame of interrupts.h and calls interrupt_dispatch(frame). The handlers
// use general registers only, so the vector state is left alone.
    .section .text.interrupt_stubs, "ax"

    .balign 16
    .globl  interrupt_stubs
    .hidden interrupt_stubs
interrupt_stubs:
    .set    vector, 0
    .rept   256
    .balign 16
    // Vectors for which the CPU pushes an error code: 8, 10-14, 17, 21, 29, 30.
    .if     !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || \
              (vector == 29) || (vector == 30))
    push    $0
    .endif
    .byte   0x6a, vector                // push imm8, sign-extended: interrupt_dispatch looks at the low byte
    jmp     interrupt_common
    .set    vector, vector + 1
    .endr

interrupt_common:
    push    %rax
    push    %rbx
    push    %rcx
    push    %rdx
    push    %rsi
    push    %rdi
    push    %rbp
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    cld
    mov     %rsp, %rdi                  // aligned: 22 words below a 16-byte boundary
    call    interrupt_dispatch
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rbp
    pop     %rdi
    pop     %rsi
    pop     %rdx
    pop     %rcx
    pop     %rbx
    pop     %rax
    add     $16, %rsp                   // vector, error code
    iretq

    .section .note.GNU-stack, "", @progbits
