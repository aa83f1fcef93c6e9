#include "conformance.h"
/* From user mode under Sv39: a system call, a store to a read-only page, an illegal instruction. */
main:
    la t0, root
    la t1, page_flags
    ld t2, (t1)
    sd t2, 16(t0)               # GiB 2: RAM, for the user
    la t0, root
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    la t0, machine_trap
    csrw mtvec, t0
    li t0, 0x1800
    csrc mstatus, t0
    la t0, user
    csrw mepc, t0
    li s0, 0
    mret
    .balign 4
machine_trap:
    csrr t0, mcause
    csrr t1, mepc
    addi s0, s0, 1
    li t2, 1
    beq s0, t2, first
    li t2, 2
    beq s0, t2, second
    CASE(4, t0, 2, nop)          // illegal instruction
    CASE(5, a0, 0x30200073, csrr a0, mtval)
    j pass
first:
    CASE(2, t0, 8, nop)          // environment call from U-mode
    addi t1, t1, 4
    csrw mepc, t1
    mret
second:
    CASE(3, t0, 15, nop)         // store page fault
    addi t1, t1, 4
    csrw mepc, t1
    mret

    .balign 4
    .option push
    .option norvc
user:
    ecall
    sd zero, (sp)
    mret                        # not allowed here
    .option pop
    .data
    .balign 8
page_flags: .dword (0x80000000 >> 2) | 0x5b     # V, R, X, U, A
    .balign 4096
root: .zero 4096
