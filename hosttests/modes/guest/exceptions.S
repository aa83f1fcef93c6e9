/* Causes, addresses and values of exceptions, and their delegation. */
#include "guest.h"

main:
    /* Illegal instruction: mtval holds the bits */
    TRAPS(2, .word 0xFFFFFFFF)
    li t0, 0xFFFFFFFF
    EXPECT_REG(s4, t0)
    TRAPS(2, .half 0)
    EXPECT(s4, 0)
here:
    TRAPS(2, illegal_at: csrw mhartid, x0)
    EXPECT_ADDRESS(s3, illegal_at)

    /* Calls and breakpoints */
    TRAPS(11, machine_call: ecall)
    EXPECT_ADDRESS(s3, machine_call)
    EXPECT(s4, 0)
    TRAPS(3, break_at: c.ebreak)
    EXPECT_ADDRESS(s3, break_at)

    /* Accesses where nothing answers */
    li t0, 0x18000000
    TRAPS(5, ld t1, 8(t0))
    addi t1, t0, 8
    EXPECT_REG(s4, t1)
    TRAPS(7, sw t1, 4(t0))
    addi t1, t0, 4
    EXPECT_REG(s4, t1)
    TRAPS(1, jr t0)
    EXPECT_REG(s3, t0)
    EXPECT_REG(s4, t0)

    /* Misaligned loads and stores work */
    la t0, frame0
    addi t0, t0, 2
    li t1, 0x1122334455667788
    addi t0, t0, 1
    sd t1, (t0)
    ld t2, (t0)
    EXPECT_REG(t2, t1)
    lw t2, 1(t0)
    EXPECT(t2, 0x44556677)

    /* A faulting load leaves its destination alone */
    li t1, 0x1234
    li t0, 0x18000000
    TRAPS(5, ld t1, 0(t0))
    EXPECT(t1, 0x1234)
    ld t2, after_fault
    EXPECT(t2, 0x99)

    /* Calls by mode */
    la s1, 1f
    ENTER_S(supervisor_call)
1:  EXPECT(s2, 9)
    EXPECT_ADDRESS(s3, supervisor_call)
    li t0, MSTATUS_MPP
    and t0, s5, t0
    EXPECT(t0, MSTATUS_MPP_S)
    la s1, 1f
    ENTER_U(supervisor_call)
1:  EXPECT(s2, 8)
    li t0, MSTATUS_MPP
    and t0, s5, t0
    EXPECT(t0, 0)

    /* Delegated: from U to S, with SPP and the stack; from S too; from M never */
    li t0, 1 << 8 | 1 << 2
    csrw medeleg, t0
    la s9, from_user
    csrsi sstatus, MSTATUS_SIE
    ENTER_U(supervisor_call)
from_user:
    EXPECT(s6, 8)
    EXPECT_ADDRESS(s7, supervisor_call)
    EXPECT(s8, 0)
    EXPECT_BITS(sstatus, MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE, MSTATUS_SPIE)
    la s9, from_supervisor
supervisor_illegal:
    csrr t0, mstatus
from_supervisor:
    EXPECT(s6, 2)
    EXPECT_ADDRESS(s7, supervisor_illegal)
    EXPECT(s8, 0x300022F3)
    EXPECT_BITS(sstatus, MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE, MSTATUS_SPP)
    la s1, 1f
    ecall
1:  EXPECT(s2, 9)
    TRAPS(2, csrw mhartid, x0)
    PASS

supervisor_call:
    ecall
    FAIL_HERE

    .align 3
after_fault:
    .dword 0x99
