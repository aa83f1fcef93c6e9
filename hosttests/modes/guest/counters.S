/* Counters as programs read them, their gates, and the supervisor timer. */
#include "guest.h"

#define INTERRUPT (1 << 63)
#define STCE (1 << 63)

main:
    /* Two reads apart by exactly the instructions between them, across a branch and a trap */
    csrr t0, minstret
    nop
    nop
    csrr t1, minstret
    sub t0, t1, t0
    EXPECT(t0, 3)
    csrr t0, minstret
    beqz x0, 1f
    nop
1:  csrr t1, minstret
    sub t0, t1, t0
    EXPECT(t0, 2)
    /* A write is seen by the next instruction */
    li t0, 1000
    csrw minstret, t0
    csrr t1, minstret
    EXPECT(t1, 1000)
    csrr t1, instret
    EXPECT_REG(t1, t1)
    /* Inhibited it stands still; the other goes on */
    li t0, 4
    csrw mcountinhibit, t0
    csrr t0, minstret
    nop
    nop
    csrr t1, minstret
    EXPECT_REG(t0, t1)
    csrw mcountinhibit, x0
    csrr t0, minstret
    csrr t1, minstret
    sub t0, t1, t0
    EXPECT(t0, 1)

    /* Gates */
    csrw mcounteren, x0
    la s1, 1f
    ENTER_S(read_time)
1:  EXPECT(s2, 2)
    li t0, 2
    csrw mcounteren, t0
    csrw scounteren, x0
    la s1, 1f
    ENTER_U(read_time)
1:  EXPECT(s2, 2)
    la s1, 1f
    ENTER_S(read_time)
1:  EXPECT(s2, 9)
    li t0, 2
    csrw scounteren, t0
    la s1, 1f
    ENTER_U(read_time)
1:  EXPECT(s2, 8)

    /* Sstc: S-mode's own timer interrupt */
    csrw menvcfg, x0
    la s1, 1f
    ENTER_S(set_timer)
1:  EXPECT(s2, 2)
    li t0, STCE
    csrw menvcfg, t0
    csrr t1, menvcfg
    and t1, t1, t0
    EXPECT_REG(t1, t0)
    csrw mcounteren, x0
    la s1, 1f
    ENTER_S(set_timer)
1:  EXPECT(s2, 2)
    li t0, 2
    csrw mcounteren, t0
    li t0, STIP
    csrw mideleg, t0
    la s9, interrupted
    ENTER_S(set_timer)
set_timer:
    rdtime t0
    li t1, 1000
    add t0, t0, t1
    csrw stimecmp, t0
    csrr t1, sip
    EXPECT(t1, 0)
    li t1, STIP
    csrs sie, t1
    csrsi sstatus, MSTATUS_SIE
wait_loop:
    j wait_loop
interrupted:
    li t1, INTERRUPT | 5
    EXPECT_REG(s6, t1)
    EXPECT_ADDRESS(s7, wait_loop)
    rdtime t1
    li a0, __LINE__
    bltu t1, t0, fail
    EXPECT_BITS(sip, STIP, STIP)
    /* A later deadline takes the request back, one in the past raises it at once */
    li t1, -1
    csrw stimecmp, t1
    EXPECT_BITS(sip, STIP, 0)
    la s9, 1f
    csrsi sstatus, MSTATUS_SIE
    csrw stimecmp, x0
at_once:
    FAIL_HERE
1:  EXPECT_ADDRESS(s7, at_once)
    li t1, STIP
    csrc sip, t1
    EXPECT_BITS(sip, STIP, STIP)
    /* Waiting for it */
    rdtime t0
    li t1, 2000
    add t0, t0, t1
    csrw stimecmp, t0
    wfi
    rdtime t1
    li a0, __LINE__
    bltu t1, t0, fail
    la s1, 1f
    ecall
1:  PASS

read_time:
    rdtime t0
    ecall
