// EL2's exception vectors. For our own exceptions: complete the frame of exception_frame.h on SP_EL2 and call
// exception_dispatch(frame, kind, origin). The handlers use general registers only.
#define FRAME_SIZE (34 * 8)

.macro  vector kind, origin
    .balign 128
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    mov     w1, #\kind
    mov     w2, #\origin
    b       exception_common
.endm

// A VM is left: run.S goes on.
.macro  vm_exit kind
    .balign 128
    stp     x0, x1, [sp, #-16]!
    mrs     x0, tpidr_el2
    mov     w1, #\kind
    b       el2_exit
.endm

    .section .text.vectors, "ax"
    .balign 2048
    .globl  exception_vectors
exception_vectors:
    .irp    origin, 0, 1            // on SP_EL0, on SP_EL2
    vector  0, \origin
    vector  1, \origin
    vector  2, \origin
    vector  3, \origin
    .endr
    .rept   2                       // from AArch64, from AArch32
    vm_exit 0
    vm_exit 1
    vm_exit 2
    vm_exit 3
    .endr

exception_common:
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x3, sp_el0
    stp     x30, x3, [sp, #240]
    mrs     x3, elr_el2
    mrs     x4, spsr_el2
    stp     x3, x4, [sp, #256]
    mov     x0, sp
    bl      exception_dispatch
    // It may have moved on where the program was; its stack pointer it leaves alone.
    ldp     x3, x4, [sp, #256]
    msr     elr_el2, x3
    msr     spsr_el2, x4
    ldr     x30, [sp, #240]
    ldp     x28, x29, [sp, #224]
    ldp     x26, x27, [sp, #208]
    ldp     x24, x25, [sp, #192]
    ldp     x22, x23, [sp, #176]
    ldp     x20, x21, [sp, #160]
    ldp     x18, x19, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp]
    add     sp, sp, #FRAME_SIZE
    eret

    .section .note.GNU-stack, "", @progbits
