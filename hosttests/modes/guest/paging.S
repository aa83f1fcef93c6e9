/* Sv39 as code sees it: A and D, SUM and MXR, MPRV, satp, all effective at once where the manual says so. */
#include "guest.h"

main:
    build_page_tables
    MAP(0, frame0, PTE_V | PTE_R | PTE_W)
    MAP(1, frame1, PTE_V | PTE_R | PTE_W | PTE_U | PTE_AD)
    MAP(2, code_page, PTE_V | PTE_X | PTE_AD)
    li t0, 0x1111
    la t1, frame0
    sd t0, (t1)
    li t0, 0x2222
    la t1, frame1
    sd t0, (t1)
    SATP_SV39(t0, root)
    csrw satp, t0
    sfence.vma

    /* A by a load; D only by a store, also when the load is cached */
    la s1, 1f
    ENTER_S(load_then_store)
load_then_store:
    li s10, VIRTUAL
    la s11, leaves
    ld t0, (s10)
    EXPECT(t0, 0x1111)
    ld t0, (s11)
    andi t0, t0, 0xFF
    EXPECT(t0, PTE_V | PTE_R | PTE_W | PTE_A)
    sd t0, 8(s10)
    ld t0, (s11)
    andi t0, t0, 0xFF
    EXPECT(t0, PTE_V | PTE_R | PTE_W | PTE_AD)

    /* SUM takes effect with the next instruction, in both directions */
    li s10, VIRTUAL + 0x1000
    la s1, 1f
    ld t0, (s10)
    FAIL_HERE
1:  EXPECT(s2, 13)
    EXPECT_REG(s4, s10)
    la s1, 2f
    ENTER_S(with_sum)
with_sum:
    li t1, MSTATUS_SUM
    csrs sstatus, t1
    ld t0, (s10)
    EXPECT(t0, 0x2222)
    sd t0, 8(s10)
    csrc sstatus, t1
    sd t0, 16(s10)
    FAIL_HERE
2:  EXPECT(s2, 15)
    addi t1, s10, 16
    EXPECT_REG(s4, t1)

    /* MXR */
    li s10, VIRTUAL + 0x2000
    la s1, 1f
    ENTER_S(with_mxr)
with_mxr:
    li t1, MSTATUS_MXR
    csrs sstatus, t1
    lwu t0, (s10)
    EXPECT(t0, 0x02A00393)
    csrc sstatus, t1
    lwu t0, (s10)
    FAIL_HERE
1:  EXPECT(s2, 13)
    /* The page executes, and does not in S-mode once it is a user's */
    la s1, 1f
    ENTER_S(call_code)
call_code:
    jalr s10
    EXPECT(t2, 42)
    ecall
1:  EXPECT(s2, 9)
    MAP(2, code_page, PTE_V | PTE_X | PTE_U | PTE_AD)
    la s1, 1f
    ENTER_S(flush_and_call)
flush_and_call:
    sfence.vma s10, x0
    jr s10
1:  EXPECT(s2, 12)
    EXPECT_REG(s3, s10)
    EXPECT_REG(s4, s10)
    MAP(2, code_page, PTE_V | PTE_X | PTE_AD)
    sfence.vma

    /* MPRV: M-mode's loads and stores as S or U, fetches not */
    li s10, VIRTUAL
    TRAPS(5, ld t0, (s10))
    li t1, MSTATUS_MPP | MSTATUS_MPRV
    csrc mstatus, t1
    li t1, MSTATUS_MPP_S | MSTATUS_MPRV
    csrs mstatus, t1
    ld t0, (s10)
    EXPECT(t0, 0x1111)
    li t1, MSTATUS_MPP
    csrc mstatus, t1 /* U */
    la s1, 1f
    ld t0, (s10)
    FAIL_HERE
1:  EXPECT(s2, 13)
    li t1, MSTATUS_MPRV
    and t0, s5, t1
    EXPECT_REG(t0, t1)
    li t1, MSTATUS_MPP
    csrc mstatus, t1
    li s10, VIRTUAL + 0x1000
    ld t0, (s10)
    EXPECT(t0, 0x2222)
    li t1, MSTATUS_MPRV
    csrc mstatus, t1

    /* Accesses that cross into a page that is not mapped, and instructions that do */
    MAP(3, frame0, 0)
    li s10, VIRTUAL + 0x2FFC
    la s1, 1f
    ENTER_S(load_across)
load_across:
    sfence.vma
    li t1, MSTATUS_MXR
    csrs sstatus, t1
    ld t0, (s10)
    FAIL_HERE
1:  EXPECT(s2, 13)
    addi t1, s10, 4
    EXPECT_REG(s4, t1)
    li t1, MSTATUS_MXR
    csrc mstatus, t1
    li s10, VIRTUAL + 0x2FFE
    la s1, 1f
    ENTER_S(run_across)
run_across:
    jr s10
1:  EXPECT(s2, 12)
    EXPECT_REG(s3, s10)
    addi t1, s10, 2
    EXPECT_REG(s4, t1)

    /* Not canonical */
    li s10, 1 << 39
    la s1, 1f
    ENTER_S(load_s10)
1:  EXPECT(s2, 13)
    EXPECT_REG(s4, s10)
    la s1, 1f
    ENTER_S(jump_s10)
1:  EXPECT(s2, 12)
    EXPECT_REG(s3, s10)

    PASS
load_s10:
    ld t0, (s10)
    FAIL_HERE
jump_s10:
    jr s10

    .align 12
code_page:
    li t2, 42
    ret
    .skip 4096 - 6 - 2
    .half 0x0513 /* the first half of a four-byte instruction */
