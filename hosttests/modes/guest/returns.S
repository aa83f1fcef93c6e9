/* Returns to a less privileged mode end MPRV (Privileged 1.12, 3.1.6.3), those to M-mode do not. */
#include "guest.h"

    .macro set_mprv
    li t1, MSTATUS_MPRV
    csrs mstatus, t1
    .endm

main:
    set_mprv
    la s1, 1f
    ENTER_S(call)
1:  li t1, MSTATUS_MPRV
    and t0, s5, t1
    EXPECT(t0, 0)
    set_mprv
    la s1, 1f
    ENTER_U(call)
1:  li t1, MSTATUS_MPRV
    and t0, s5, t1
    EXPECT(t0, 0)
    /* SRET from M-mode, to S */
    set_mprv
    li t0, MSTATUS_SPP
    csrs mstatus, t0
    la t0, call
    csrw sepc, t0
    la s1, 1f
    sret
1:  EXPECT(s2, 9)
    li t1, MSTATUS_MPRV
    and t0, s5, t1
    EXPECT(t0, 0)
    /* MRET to M */
    set_mprv
    ENTER(MSTATUS_MPP, again)
again:
    EXPECT_BITS(mstatus, MSTATUS_MPRV, MSTATUS_MPRV)
    EXPECT_BITS(mstatus, MSTATUS_MPP, 0)
    /* With nothing translated, U-mode may load all that PMP grants */
    ld t0, frame0
    li t1, MSTATUS_MPRV
    csrc mstatus, t1

    /* Returns that are illegal change nothing */
    la s1, 1f
    ENTER_U(machine_return)
1:  EXPECT(s2, 2)
    EXPECT_ADDRESS(s3, machine_return)
    la s1, 1f
    ENTER_S(machine_return)
1:  EXPECT(s2, 2)
    la s1, 1f
    ENTER_U(supervisor_return)
1:  EXPECT(s2, 2)
    li t0, MSTATUS_TSR
    csrs mstatus, t0
    la s1, 1f
    ENTER_S(supervisor_return)
1:  EXPECT(s2, 2)
    EXPECT(s4, 0x10200073)
    PASS
call:
    ecall
machine_return:
    mret
supervisor_return:
    sret
