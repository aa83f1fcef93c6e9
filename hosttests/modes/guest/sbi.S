/* A supervisor under the built-in SBI, on two harts. It starts here in S-mode with a0 = hart, a1 = opaque. */
#define SUPERVISOR_START
#include "guest.h"

#define HSM 0x48534D
#define IPI 0x735049
#define RFENCE 0x52464E43
#define TIMER 0x54494D45
#define SRST 0x53525354
#define DBCN 0x4442434E
#define BASE 0x10

/* t0 and t1: error and value. Nothing else may have changed. */
#define CALL(extension, function) li a7, extension ; li a6, function ; ecall ; mv t0, a0 ; mv t1, a1

main:
    EXPECT(a1, 0)
    CALL(BASE, 0)
    EXPECT(t0, 0)
    EXPECT(t1, 0x2000000)

    /* The timer: 100 us from now */
    la t0, supervisor_trap
    csrw stvec, t0
    rdtime s10
    li t0, 1000
    add s10, s10, t0
    mv a0, s10
    CALL(TIMER, 0)
    EXPECT(t0, 0)
    li t0, STIP
    csrw sie, t0
    la s9, 1f
    csrsi sstatus, MSTATUS_SIE
loop:
    j loop
1:  EXPECT_ADDRESS(s7, loop)
    li t1, (1 << 63) | 5
    EXPECT_REG(s6, t1)
    rdtime t0
    li a0, __LINE__
    bltu t0, s10, fail
    li a0, -1
    CALL(TIMER, 0)
    csrw sie, x0

    /* The other hart: status, start, IPI to it and back */
    li a0, 1
    CALL(HSM, 2)
    EXPECT(t1, 1)
    li a0, 1
    la a1, second
    li a2, 0x1234
    CALL(HSM, 0)
    EXPECT(t0, 0)
    la t2, mailbox
1:  ld t1, (t2)
    beqz t1, 1b
    EXPECT(t1, 0x1234)
    li a0, 1
    CALL(HSM, 2)
    EXPECT(t1, 0)
    li t0, SSIP
    csrw sie, t0
    li a0, 2
    li a1, 0
    CALL(IPI, 0)
    EXPECT(t0, 0)
    /* Suspended until it answers */
    li a0, 0
    CALL(HSM, 3)
    EXPECT(t0, 0)
    csrr t0, sip
    EXPECT(t0, SSIP)
    csrw sip, x0
    la t2, mailbox
    ld t1, 8(t2)
    EXPECT(t1, 0x5678)

    /* Each hart's TLB: the other has read the page; it must see the change after the remote fence */
    MAP(0, frame1, PTE_V | PTE_R | PTE_A)
    li a0, 2
    li a1, 0
    li a2, VIRTUAL
    li a3, 4096
    CALL(RFENCE, 1)
    EXPECT(t0, 0)
    li a0, -1
    li a1, -1
    CALL(IPI, 0)
    la t2, mailbox
1:  ld t1, 16(t2)
    beqz t1, 1b
    EXPECT(t1, 0x2222)
    /* It stops itself */
1:  li a0, 1
    CALL(HSM, 2)
    li t2, 1
    bne t1, t2, 1b
    li a0, 4
    CALL(HSM, 2)
    EXPECT(t0, -3)

    /* The console, from memory */
    li a0, 3
    la a1, text
    li a2, 0
    CALL(DBCN, 0)
    EXPECT(t1, 3)
    /* User mode's calls are the supervisor's own */
    csrw sie, x0
    la t0, user
    csrw sepc, t0
    li t0, MSTATUS_SPP
    csrc sstatus, t0
    la s9, 1f
    sret
1:  EXPECT(s6, 8)
    EXPECT_ADDRESS(s7, user)
    /* The end */
    li a0, 0
    li a1, 0
    CALL(SRST, 0)
    FAIL_HERE
user:
    ecall

second:
    mv t1, a0
    EXPECT(t1, 1)
    csrr t0, satp
    EXPECT(t0, 0)
    la sp, stack_top
    build_page_tables
    MAP(0, frame0, PTE_V | PTE_R | PTE_A)
    la t0, frame0
    li t1, 0x1111
    sd t1, (t0)
    la t0, frame1
    li t1, 0x2222
    sd t1, (t0)
    SATP_SV39(t0, root)
    csrw satp, t0
    li s10, VIRTUAL
    ld t0, (s10)
    EXPECT(t0, 0x1111)
    li t0, SSIP
    csrw sie, t0
    la t2, mailbox
    sd a1, (t2)
1:  wfi
    csrr t0, sip
    beqz t0, 1b
    csrw sip, x0
    li t1, 0x5678
    sd t1, 8(t2)
    li a0, 1
    li a1, 0
    CALL(IPI, 0)
1:  wfi
    csrr t0, sip
    beqz t0, 1b
    ld t1, (s10)
    la t2, mailbox
    sd t1, 16(t2)
    CALL(HSM, 1)
    FAIL_HERE

text:
    .ascii "ok\n"
    .bss
    .align 3
mailbox:
    .skip 32
