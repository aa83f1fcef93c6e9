# Entry, the switch into a program, and the trap that comes back from it.

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top
    la t0, trap_entry
    csrw mtvec, t0
    call harness_main
1:  wfi
    j 1b

# void run_program(struct Registers* state): enters at state->pc with mstatus as it is; comes back when
# on_trap() says so.
    .globl run_program
run_program:
    addi sp, sp, -112
    sd ra, 0(sp)
    sd gp, 8(sp)
    sd tp, 16(sp)
    sd s0, 24(sp)
    sd s1, 32(sp)
    sd s2, 40(sp)
    sd s3, 48(sp)
    sd s4, 56(sp)
    sd s5, 64(sp)
    sd s6, 72(sp)
    sd s7, 80(sp)
    sd s8, 88(sp)
    sd s9, 96(sp)
    la t0, saved_sp
    sd sp, (t0)
    la t0, saved_s10
    sd s10, (t0)
    sd s11, 8(t0)
    csrw mscratch, a0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, 264 + 8*\n(a0)
    .endr
    ld t0, 520(a0)
    csrw fcsr, t0
resume:
    csrr a0, mscratch
    ld t0, 256(a0)
    csrw mepc, t0
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, 8*\n(a0)
    .endr
    ld x10, 80(a0)
    mret

    .balign 4
trap_entry:
    csrrw x10, mscratch, x10
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, 8*\n(x10)
    .endr
    csrrw t0, mscratch, x10
    sd t0, 80(x10)
    csrr t0, mepc
    sd t0, 256(x10)
    la t0, saved_sp
    ld sp, (t0)
    mv a0, x10
    call on_trap
    beqz a0, resume

    # The program has ended: floating-point state, then back to the caller.
    csrr a0, mscratch
    li t0, 0x6000
    csrs mstatus, t0
    csrr t0, fcsr
    sd t0, 520(a0)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, 264 + 8*\n(a0)
    .endr
    la t0, saved_sp
    ld sp, (t0)
    la t0, saved_s10
    ld s10, (t0)
    ld s11, 8(t0)
    ld ra, 0(sp)
    ld gp, 8(sp)
    ld tp, 16(sp)
    ld s0, 24(sp)
    ld s1, 32(sp)
    ld s2, 40(sp)
    ld s3, 48(sp)
    ld s4, 56(sp)
    ld s5, 64(sp)
    ld s6, 72(sp)
    ld s7, 80(sp)
    ld s8, 88(sp)
    ld s9, 96(sp)
    addi sp, sp, 112
    ret

# Where delegated traps of a program go: straight on to M-mode.
    .balign 4
    .globl supervisor_trap
supervisor_trap:
    ecall

    .section .bss
    .balign 16
saved_sp: .skip 8
saved_s10: .skip 16
    .balign 16
    .skip 8192
stack_top:
