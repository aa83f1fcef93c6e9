// Interrupts come when they may and not before; every register keeps what this VM has put there, while others run.
    .globl  _start
_start:
    b       start
#include "hosttests/guests/aarch64/exceptions.h"
#define TIMER_VECTOR 224
#define VIRTUAL_TIMER 27
#define MILLISECONDS 1000000
#define COUNTER_HZ 40           // in BootInfo

// x1: the VM's time, in nanoseconds.
.macro time
    mov     x0, #TIME_NOW
    hvc     #0
.endm
// The timer is due `milliseconds` from now: x20 is then.
.macro set_timer milliseconds
    time
    ldr     x2, =(\milliseconds * MILLISECONDS)
    add     x1, x1, x2
    mov     x20, x1
    mov     x0, #TIMER_SET
    hvc     #0
.endm
// Until an interrupt is on its way, taken or not.
.macro wait_for_pending
7:  mrs     x0, isr_el1
    tbz     x0, #7, 7b
.endm
.macro interrupts_on
    msr     daifclr, #2
    isb
    nop
.endm

start:
    ldr     x19, [x0, #COUNTER_HZ]
    mrs     x1, cntvct_el0
    lsr     x1, x1, #4
    mov     x28, #99
    cmp     x1, x19             // 16 seconds: the counter started with the VM
    b.hi    failed
    mrs     x1, cntfrq_el0
    cmp     x1, x19
    b.ne    failed
    bl      set_up_exceptions
    // One that is due comes once it may.
    set_timer 1
    probe   1, NOTHING, "wait_for_pending"
    probe   2, INTERRUPT, "interrupts_on"
    cmp     x26, #TIMER_VECTOR
    expect  eq
    probe   3, NOTHING, "interrupts_on"
    msr     daifset, #2
    // Waiting ends with an interrupt that is masked, and not before its time.
    set_timer 2
    wfi
    time
    mov     x28, #4
    cmp     x1, x20
    b.lo    failed
    probe   5, INTERRUPT, "interrupts_on"
    cmp     x26, #TIMER_VECTOR
    expect  eq
    // The CPU's own timer: while the VM runs, and while it waits.
    .irp    number, 6, 8
    mrs     x0, cntvct_el0
    lsr     x1, x19, #9         // 2 ms
    add     x20, x0, x1
    msr     cntv_cval_el0, x20
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb
    .if     \number == 6
    probe   6, INTERRUPT, "interrupts_on; b ."
    .else
    wfi
    probe   8, INTERRUPT, "interrupts_on"
    .endif
    cmp     x26, #VIRTUAL_TIMER
    expect  eq
    mov     x28, #(\number + 1)
    mrs     x0, cntvct_el0
    cmp     x0, x20
    b.lo    failed
    msr     cntv_ctl_el0, xzr
    .endr

    // Now the registers, for long enough that other VMs run in between.
    ldr     x0, =0x10dcd
    mrs     x1, cntvct_el0
    mul     x29, x0, x1
    time
    ldr     x2, =(80 * MILLISECONDS)
    add     x30, x1, x2
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    add     x0, x29, #\n
    fmov    d\n, x0
    mov     v\n\().d[1], x0
    .endr
    and     x0, x29, #0xc00000  // rounding
    msr     fpcr, x0
    and     x0, x29, #0x1f      // flags
    msr     fpsr, x0
    .irp    name, tpidr_el0, tpidrro_el0, tpidr_el1, far_el1
    msr     \name, x29
    .endr
    and     x0, x29, #0xffffffff
    msr     contextidr_el1, x0
    msr     sp_el0, x29
    .irp    n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    add     x\n, x29, #\n
    .endr
again:
    ldr     x0, =100000
1:  subs    x0, x0, #1
    b.ne    1b
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    mov     x28, #(100 + \n)
    add     x0, x29, #\n
    fmov    x1, d\n
    cmp     x0, x1
    b.ne    failed
    mov     x1, v\n\().d[1]
    cmp     x0, x1
    b.ne    failed
    .endr
    mov     x28, #140
    and     x0, x29, #0xc00000
    mrs     x1, fpcr
    cmp     x0, x1
    b.ne    failed
    and     x0, x29, #0x1f
    mrs     x1, fpsr
    cmp     x0, x1
    b.ne    failed
    .irp    name, tpidr_el0, tpidrro_el0, tpidr_el1, far_el1, sp_el0
    add     x28, x28, #1
    mrs     x0, \name
    cmp     x0, x29
    b.ne    failed
    .endr
    add     x28, x28, #1
    and     x0, x29, #0xffffffff
    mrs     x1, contextidr_el1
    cmp     x0, x1
    b.ne    failed
    .irp    n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    mov     x28, #(150 + \n)
    add     x0, x29, #\n
    cmp     x0, x\n
    b.ne    failed
    .endr
    time
    cmp     x1, x30
    b.lo    again
    hypercall POWER_OFF, 0
    .ltorg
