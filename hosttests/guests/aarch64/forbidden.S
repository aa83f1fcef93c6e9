// Tries every instruction and register by which a VM might reach the machine, at EL1 and EL0. Each must be undefined as
// on a CPU that has no such thing; a process at EL0 must not even be able to end its VM.
    .globl  _start
_start:
    b       start
#include "hosttests/guests/aarch64/exceptions.h"
    .arch   armv8.5-a+sve+profile

.macro  register_is_undefined number, name
    probe   \number, UNDEFINED, "mrs x0, \name"
    probe   \number, UNDEFINED, "msr \name, xzr"
.endm
// An ID register must be 0.
.macro  register_is_zero number, name
    probe   \number, NOTHING, "mrs x0, \name"
    cmp     x0, #0
    expect  eq
.endm
start:
    bl      set_up_exceptions
    // Nothing is withheld by EL1 itself.
    mov     x0, #(0x33 << 16)
    msr     cpacr_el1, x0
    mov     x0, #0x303
    msr     cntkctl_el1, x0
    isb
    // EL2's
    probe   1, UNDEFINED, "mrs x0, hcr_el2"
    probe   2, UNDEFINED, "msr vttbr_el2, xzr"
    probe   3, UNDEFINED, "tlbi alle1"
    probe   4, UNDEFINED, "hvc #1"
    probe   5, UNDEFINED, "msr sp_el1, xzr"
    // The physical timer and counter, debugging, performance counters
    register_is_undefined 10, cntp_cval_el0
    register_is_undefined 11, cntp_ctl_el0
    probe   12, UNDEFINED, "mrs x0, cntpct_el0"
    register_is_undefined 13, mdscr_el1
    register_is_undefined 14, dbgbvr0_el1
    register_is_undefined 15, dbgwcr0_el1
    register_is_undefined 17, pmcr_el0
    register_is_undefined 18, pmccntr_el0
    // Interrupts to other CPUs
    probe   20, UNDEFINED, "msr icc_sgi1r_el1, xzr"
    // The firmware: the call is not known, and the instruction done with
    probe   21, NOTHING, "mov x0, #0x84000000; smc #0"
    cmn     x0, #1
    expect  eq
    // Vectors of other lengths, whether or not the CPU has them
    probe   22, UNDEFINED, "mrs x0, zcr_el1"
    probe   23, UNDEFINED, "ptrue p0.b"
    // Caches: nobody else's data is lost.
    probe   24, NOTHING, "dc isw, xzr; dc cisw, xzr; dc csw, xzr"
    probe   25, NOTHING, "mrs x0, actlr_el1; msr actlr_el1, xzr"
    // ID registers: AArch64 alone, no pointer authentication, no counters, no SVE, no MTE
    probe   30, NOTHING, "mrs x0, id_aa64pfr0_el1"
    and     x1, x0, #0xff
    cmp     x1, #0x11
    expect  eq
    ubfx    x1, x0, #32, #4
    cmp     x1, #0
    expect  eq
    probe   31, NOTHING, "mrs x0, id_aa64dfr0_el1"
    cmp     x0, #6
    expect  eq
    probe   32, NOTHING, "mrs x0, id_aa64isar1_el1"
    tst     x0, #0xff0
    expect  eq
    register_is_zero 33, id_aa64pfr1_el1
    register_is_zero 34, id_aa64mmfr2_el1
    register_is_zero 35, id_aa64dfr1_el1
    register_is_zero 36, id_mmfr0_el1
    register_is_zero 37, S3_0_C0_C7_7
    probe   38, UNDEFINED, "msr S3_0_C0_C4_0, xzr"
    probe   39, NOTHING, "mrs x0, mpidr_el1"
    ldr     x1, =0x80000000
    cmp     x0, x1
    expect  eq
    // EL0
    user_probe 50, SUPERVISOR_CALL, "nop"
    user_probe 51, UNDEFINED, "mov x0, #9; mov x1, #0; hvc #0"
    user_probe 52, UNDEFINED, "smc #0"
    user_probe 53, UNDEFINED, "mrs x0, sctlr_el1"
    user_probe 54, UNDEFINED, "mrs x0, cntp_ctl_el0"
    user_probe 55, UNDEFINED, "mrs x0, cntpct_el0"
    hypercall POWER_OFF, 0
    .ltorg
