// For programs of native VMs that try what they may not do: exceptions that are recorded, and probes that compare what
// came with what should have. The exit code is the number of the probe that failed, times 256, plus the class of the
// exception that came. Registers x24 to x28 belong to this.
#include "hosttests/guests/aarch64/native.h"

#define USER_BLOCK 3        // of 2 MiB
#define NOTHING 0xff        // the instruction was executed
#define UNDEFINED 0x00      // classes of ESR_EL1
#define SUPERVISOR_CALL 0x15
#define INTERRUPT 0xe0      // not a class: an interrupt came; x26 is its number

// EL1: executes the instructions, which must raise the exception.
.macro probe number, exception, instructions
    mov     x28, #\number
    mov     x27, #NOTHING
    adr     x25, 9f
    \instructions
9:  cmp     x27, #\exception
    b.ne    failed
.endm

// Likewise at EL0; SUPERVISOR_CALL when nothing was raised. Registers keep what the instructions have put there.
.macro user_probe number, exception, instructions
    mov     x28, #\number
    mov     x27, #NOTHING
    adr     x25, 9f
    msr     spsr_el1, xzr
    adr     x26, 8f
    add     x26, x26, #(USER_BLOCK << 20)
    add     x26, x26, #(USER_BLOCK << 20)
    msr     elr_el1, x26
    eret
8:  \instructions
    svc     #0
9:  cmp     x27, #\exception
    b.ne    failed
.endm

// Fails with the number of the last probe unless the condition holds.
.macro expect condition
    b.\condition 9f
    b       failed
9:
.endm

// All this appears once more for EL0, which may read and execute it.
set_up_exceptions:
    adr     x0, vectors
    msr     vbar_el1, x0
    mrs     x0, ttbr1_el1
    ldr     x1, =(PRIVATE_BASE - IMAGE_BASE)
    sub     x0, x0, x1
    add     x0, x0, #0x2000
    ldr     x1, =(PRIVATE_BASE + 0x7c1)             // the block, AP: read-only for EL1 and EL0
    str     x1, [x0, #(8 * USER_BLOCK)]
    dsb     ish
    tlbi    vmalle1
    dsb     ish
    isb
    // Interrupts of all priorities.
    mov     x0, #0xff
    msr     icc_pmr_el1, x0
    mov     x0, #1
    msr     icc_igrpen1_el1, x0
    isb
    ret
    .ltorg

    .balign 2048
vectors:
    .rept   4
    .balign 128
    b       synchronous
    .balign 128
    b       interrupt
    .balign 128
    b       synchronous
    .balign 128
    b       synchronous
    .endr
synchronous:
    mrs     x27, esr_el1
    lsr     x27, x27, #26
    b       resume
interrupt:
    mrs     x26, icc_iar1_el1
    mov     x27, #INTERRUPT
    msr     icc_eoir1_el1, x26
resume:
    mov     x24, #0x3c5
    msr     spsr_el1, x24
    msr     elr_el1, x25
    eret

failed:
    lsl     x1, x28, #8
    orr     x1, x1, x27
    mov     x0, #POWER_OFF
    hvc     #0
