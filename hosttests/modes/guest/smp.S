/* Two harts: software interrupts between them, a spin lock by LR/SC, a counter by AMO, reservations that the other
   hart breaks. */
#include "guest.h"

#define CLINT 0x2000000
#define ROUNDS 300

    .macro lock_and_count
    li s11, ROUNDS
1:  la t0, lock
2:  lr.w t1, (t0)
    bnez t1, 2b
    li t1, 1
    sc.w.aq t1, t1, (t0)
    bnez t1, 2b
    la t2, guarded /* not atomic: the lock has to do it */
    ld t3, (t2)
    addi t3, t3, 1
    sd t3, (t2)
    amoswap.w.rl x0, x0, (t0)
    la t2, counted
    li t3, 1
    amoadd.d x0, t3, (t2)
    addi s11, s11, -1
    bnez s11, 1b
    .endm

main:
    csrr t0, mhartid
    bnez t0, second
    /* Wake the other by its software interrupt */
    li t0, CLINT
    li t1, 1
    sw t1, 4(t0)
    lock_and_count
    la t0, done
1:  lw t1, (t0)
    beqz t1, 1b
    la t0, guarded
    ld t0, (t0)
    EXPECT(t0, 2 * ROUNDS)
    la t0, counted
    ld t0, (t0)
    EXPECT(t0, 2 * ROUNDS)

    /* A store by the other hart between LR and SC: the SC fails */
    la s10, word
    lr.d t2, (s10)
    li t0, CLINT
    li t1, 1
    sw t1, 4(t0)
1:  ld t3, 8(s10) /* its answer, after it has stored */
    beqz t3, 1b
    sc.d t2, t1, (s10)
    EXPECT(t2, 1)
    ld t2, (s10)
    EXPECT(t2, 0x77)
    PASS

second:
    li t0, MSIP
    csrw mie, t0
    wfi
    csrr t1, mip
    andi t1, t1, MSIP
    beqz t1, second
    li t0, CLINT
    sw x0, 4(t0)
    lock_and_count
    la t0, done
    li t1, 1
    sw t1, (t0)
1:  wfi
    csrr t1, mip
    andi t1, t1, MSIP
    beqz t1, 1b
    la t0, word
    li t1, 0x77
    sd t1, (t0)
    fence
    sd t1, 8(t0)
1:  j 1b

    .bss
    .align 6
lock:
    .skip 8
done:
    .skip 8
guarded:
    .skip 8
counted:
    .skip 8
    .align 6
word:
    .skip 16
