/* PMP as code sees it: changes count for the next access, in every mode that they concern. */
#include "guest.h"

#define R 1
#define W 2
#define X 4
#define NA4 0x10
#define NAPOT 0x18
#define L 0x80

/* Entry 0 becomes the page of `symbol` with the configuration; entry 1 is everything. */
#define PROTECT_PAGE(symbol, configuration)                                                                  \
    la t6, symbol ; srli t6, t6, 2 ; ori t6, t6, 0x1FF ; csrw pmpaddr0, t6 ;                                 \
    li t6, (NAPOT | R | W | X) << 8 | NAPOT | (configuration) ; csrw pmpcfg0, t6

main:
    li t0, -1
    csrw pmpaddr1, t0
    la s10, frame0
    /* Reads allowed, then not, with the translation cached in between */
    PROTECT_PAGE(frame0, R | W)
    la s1, 1f
    ENTER_S(load)
1:  EXPECT(s2, 9)
    PROTECT_PAGE(frame0, W) /* reserved: acts as no access */
    la s1, 1f
    ENTER_S(load)
1:  EXPECT(s2, 5)
    EXPECT_REG(s4, s10)
    PROTECT_PAGE(frame0, R)
    la s1, 1f
    ENTER_U(load)
1:  EXPECT(s2, 8)
    la s1, 1f
    ENTER_U(store)
1:  EXPECT(s2, 7)
    EXPECT_REG(s4, s10)
    la s1, 1f
    ENTER_S(jump)
1:  EXPECT(s2, 1)
    EXPECT_REG(s3, s10)
    EXPECT_REG(s4, s10)
    /* M-mode is free of it */
    ld t0, (s10)
    sd t0, (s10)

    /* Code that may run, then may not */
    PROTECT_PAGE(code_page, R | X)
    la s10, code_page
    la s1, 1f
    ENTER_U(jump)
1:  EXPECT(s2, 8)
    PROTECT_PAGE(code_page, R)
    la s1, 1f
    ENTER_U(jump)
1:  EXPECT(s2, 1)
    EXPECT_REG(s3, s10)

    /* Less than a page: the word, the bytes around it, and an access across its edge */
    la s10, frame0
    srli t0, s10, 2
    csrw pmpaddr0, t0
    li t0, (NAPOT | R | W | X) << 8 | NA4 | R
    csrw pmpcfg0, t0
    la s1, 1f
    ENTER_S(word)
1:  EXPECT(s2, 7)
    EXPECT_REG(s4, s10)
    la s1, 1f
    ENTER_S(load)
1:  EXPECT(s2, 5)
    /* that matches in part only, which fails M-mode too */
    TRAPS(5, ld t0, (s10))
    addi s11, s10, 4
    sw t0, (s11)

    /* MPRV takes the borrowed mode's rights */
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPRV | MSTATUS_MPP_S
    csrs mstatus, t0
    la s1, 1f
    sw x0, (s10)
    FAIL_HERE
1:  EXPECT(s2, 7)
    li t0, MSTATUS_MPRV
    csrc mstatus, t0
    sw x0, (s10)

    /* Without a match a lower mode gets nothing, M-mode everything */
    csrw pmpcfg0, x0
    li t0, NAPOT | R | W | X
    la t1, code_page
    srli t1, t1, 2
    ori t1, t1, 0x1FF
    csrw pmpaddr0, t1
    csrw pmpcfg0, t0
    ld t0, (s10)
    la t1, code_page
    csrw mepc, t1
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    la s1, 1f
    mret
1:  EXPECT(s2, 8)
    la t1, load
    csrw mepc, t1
    la s1, 1f
    mret
1:  EXPECT(s2, 1)

    /* Locked: binds M-mode, and stays */
    la t0, frame1
    srli t0, t0, 2
    ori t0, t0, 0x1FF
    csrw pmpaddr2, t0
    li t0, (L | NAPOT | R) << 16
    csrw pmpcfg0, t0
    la s11, frame1
    ld t0, (s11)
    TRAPS(7, sd t0, (s11))
    EXPECT_REG(s4, s11)
    csrw pmpcfg0, x0
    csrw pmpaddr2, x0
    TRAPS(7, sd t0, (s11))
    csrr t0, pmpcfg0
    li t1, (L | NAPOT | R) << 16
    EXPECT_REG(t0, t1)
    PASS

load:
    ld t0, (s10)
    ecall
store:
    sd t0, (s10)
    FAIL_HERE
jump:
    jr s10
word:
    lw t0, (s10)
    lw t0, 4(s10)
    sw t0, 4(s10)
    sw t0, -4(s10)
    sw t0, (s10)
    FAIL_HERE

    .align 12
code_page:
    ecall
    .align 12
