/* Interrupts: taken right after the instruction that makes them possible, in order of priority; WFI. */
#include "guest.h"

#define CLINT 0x2000000
#define MTIMECMP (CLINT + 0x4000)
#define MTIME (CLINT + 0xBFF8)
#define INTERRUPT (1 << 63)

main:
    /* The S-level ones below come from mip; nothing from timers meanwhile */
    li t0, MTIMECMP
    li t1, -1
    sd t1, (t0)

    /* Enabled by mstatus.MIE, by mie, by mip: each time the next instruction is interrupted */
    csrw mideleg, x0
    csrwi mie, SSIP
    csrwi mip, SSIP
    la s1, 1f
    csrsi mstatus, MSTATUS_MIE
at_mstatus:
    FAIL_HERE
1:  li t0, INTERRUPT | 1
    EXPECT_REG(s2, t0)
    EXPECT_ADDRESS(s3, at_mstatus)
    EXPECT(s4, 0)
    li t0, MSTATUS_MPIE | MSTATUS_MIE
    and t0, s5, t0
    EXPECT(t0, MSTATUS_MPIE)
    csrwi mie, 0
    csrsi mstatus, MSTATUS_MIE
    la s1, 1f
    csrwi mie, SSIP
at_mie:
    FAIL_HERE
1:  EXPECT_ADDRESS(s3, at_mie)
    csrwi mip, 0
    csrsi mstatus, MSTATUS_MIE
    la s1, 1f
    csrsi mip, SSIP
at_mip:
    FAIL_HERE
1:  EXPECT_ADDRESS(s3, at_mip)
    csrwi mip, 0

    /* In lower modes M-level interrupts are enabled whatever MIE says: taken before the first instruction */
    csrwi mip, SSIP
    csrci mstatus, MSTATUS_MIE
    la s1, 1f
    ENTER_U(never)
1:  EXPECT_ADDRESS(s3, never)
    li t0, INTERRUPT | 1
    EXPECT_REG(s2, t0)

    /* Delegated: S-mode decides by SIE; M-mode is not interrupted even with MIE */
    li t0, SSIP | STIP | SEIP
    csrw mideleg, t0
    csrsi mstatus, MSTATUS_MIE
    nop
    csrci mstatus, MSTATUS_MIE
    la s9, 1f
    ENTER_S(enable)
enable:
    csrsi sstatus, MSTATUS_SIE
at_sie:
    FAIL_HERE
1:  EXPECT_ADDRESS(s7, at_sie)
    li t0, INTERRUPT | 1
    EXPECT_REG(s6, t0)
    /* sret with SPIE set enables again, at the target */
    la t0, never
    csrw sepc, t0
    li t0, MSTATUS_SPP
    csrs sstatus, t0
    la s9, 1f
    sret
1:  EXPECT_ADDRESS(s7, never)
    /* Cleared by its handler it is gone, and sip shows what is delegated */
    csrci sip, SSIP
    csrsi sstatus, MSTATUS_SIE
    csrr t0, sip
    EXPECT(t0, 0)
    csrci sstatus, MSTATUS_SIE
    la s1, 1f
    ecall
1:  EXPECT(s2, 9)

    /* Vectored: entry 5 for the timer */
    li t0, STIP
    csrw mie, t0
    csrw mip, t0
    csrr s0, stvec
    la t0, vectors
    addi t0, t0, 1 /* vectored */
    csrw stvec, t0
    csrsi mstatus, MSTATUS_SIE
    la s9, 1f
    ENTER_U(never)
1:  li t0, INTERRUPT | 5
    EXPECT_REG(s6, t0)
    csrw stvec, s0
    la s1, 1f
    ecall
1:  csrw mip, x0

    /* The CLINT: a software interrupt at once, the timer within its time, breaking an endless loop */
    li t0, MSIP
    csrw mie, t0
    li t0, CLINT
    li t1, 1
    sw t1, (t0)
    EXPECT_BITS(mip, MSIP, MSIP)
    la s1, 1f
    csrsi mstatus, MSTATUS_MIE
    FAIL_HERE
1:  sw x0, (t0)
    li t0, CLINT
    sw x0, (t0)
    EXPECT_BITS(mip, MSIP, 0)
    li t0, MTIP
    csrw mie, t0
    li t0, MTIME
    ld t1, (t0)
    addi t1, t1, 1000
    li t0, MTIMECMP
    sd t1, (t0)
    la s1, 1f
    csrsi mstatus, MSTATUS_MIE
loop:
    j loop
1:  EXPECT_ADDRESS(s3, loop)
    li t0, INTERRUPT | 7
    EXPECT_REG(s2, t0)
    li t0, MTIME
    ld t0, (t0)
    li t1, MTIMECMP
    ld t1, (t1)
    li a0, __LINE__
    bltu t0, t1, fail

    /* WFI with something enabled pending goes on, whether or not it may be taken */
    csrci mstatus, MSTATUS_MIE
    wfi
    /* and waits for it otherwise */
    li t0, MTIME
    ld t1, (t0)
    li t2, 2000
    add t1, t1, t2
    li t0, MTIMECMP
    sd t1, (t0)
    wfi
    li t0, MTIME
    ld t0, (t0)
    li a0, __LINE__
    bltu t0, t1, fail
    /* Taken on WFI: the trap returns behind it */
    li t0, MTIME
    ld t1, (t0)
    li t2, 1000
    add t1, t1, t2
    li t0, MTIMECMP
    sd t1, (t0)
    la s1, 1f
    csrsi mstatus, MSTATUS_MIE
    wfi
behind_wfi:
    nop
    FAIL_HERE
1:  EXPECT_ADDRESS(s3, behind_wfi)
    li t0, MTIMECMP
    li t1, -1
    sd t1, (t0)

    /* TW and U-mode */
    csrwi mie, 0
    li t0, MSTATUS_TW
    csrs mstatus, t0
    la s1, 1f
    ENTER_S(wait)
1:  EXPECT(s2, 2)
    EXPECT_ADDRESS(s3, wait)
    li t0, MSTATUS_TW
    csrc mstatus, t0
    la s1, 1f
    ENTER_U(wait)
1:  EXPECT(s2, 2)
    PASS

wait:
    wfi
    FAIL_HERE
never:
    FAIL_HERE

    .align 3
    .option norvc
vectors:
    j supervisor_trap_wrong
    j supervisor_trap_wrong
    j supervisor_trap_wrong
    j supervisor_trap_wrong
    j supervisor_trap_wrong
    j supervisor_trap
supervisor_trap_wrong:
    FAIL_HERE
