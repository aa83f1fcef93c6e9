/* Alignment of atomics, reservations across traps, and what a fault leaves behind. */
#include "guest.h"

main:
    la t0, frame0
    addi t0, t0, 2
    TRAPS(4, lr.w t1, (t0))
    EXPECT_REG(s4, t0)
    TRAPS(6, sc.w t1, t1, (t0))
    TRAPS(6, amoadd.w t1, t1, (t0))
    EXPECT_REG(s4, t0)
    addi t0, t0, 2
    TRAPS(4, lr.d t1, (t0))
    TRAPS(6, amoswap.d t1, t1, (t0))

    /* A trap between LR and SC makes the SC fail */
    la t0, frame0
    li t1, 5
    sd t1, (t0)
    lr.d t2, (t0)
    TRAPS(11, ecall)
    la t0, frame0
    li t1, 6
    sc.d t2, t1, (t0)
    EXPECT(t2, 1)
    ld t2, (t0)
    EXPECT(t2, 5)
    lr.d t2, (t0)
    sc.d t2, t1, (t0)
    EXPECT(t2, 0)
    sc.d t2, t1, (t0)
    EXPECT(t2, 1)
    /* Another address, another hart's view of the word: fails */
    lr.d t2, (t0)
    addi t3, t0, 64
    sc.d t2, t1, (t3)
    EXPECT(t2, 1)
    lr.w t2, (t0)
    sw x0, (t0)
    sc.w t2, t1, (t0)
    EXPECT(t2, 1)

    /* Devices take no atomics */
    li t0, FINISHER
    TRAPS(7, amoadd.w t1, t1, (t0))
    TRAPS(5, lr.w t1, (t0))

    /* An AMO on a page that cannot be written is a store fault, whatever it would do */
    build_page_tables
    MAP(0, frame0, PTE_V | PTE_R | PTE_A)
    SATP_SV39(t0, root)
    csrw satp, t0
    li s10, VIRTUAL
    la s1, 1f
    ENTER_S(amo)
1:  EXPECT(s2, 15)
    EXPECT_REG(s4, s10)
    la s1, 1f
    ENTER_S(reserve)
1:  EXPECT(s2, 15)
    PASS
amo:
    amoor.w t0, x0, (s10)
    FAIL_HERE
reserve:
    lr.w t0, (s10)
    sc.w t0, t0, (s10)
    FAIL_HERE
