/* Address spaces: modes of satp, ASIDs, global pages, and when SFENCE.VMA is needed. */
#include "guest.h"

main:
    build_page_tables
    MAP(0, frame0, PTE_V | PTE_R | PTE_W | PTE_AD)
    MAP(1, frame0, PTE_V | PTE_R | PTE_W | PTE_AD | PTE_G)
    /* A second address space, in which the same page is another frame */
    la t0, root
    la t1, other_root
    ld t2, 0(t0)
    sd t2, 0(t1)
    ld t2, 16(t0)
    sd t2, 16(t1)
    la t2, other_middle
    srli t2, t2, 2
    ori t2, t2, PTE_V
    sd t2, 24(t1)
    la t1, other_middle
    la t2, other_leaves
    srli t2, t2, 2
    ori t2, t2, PTE_V
    sd t2, 0(t1)
    la t1, other_leaves
    la t2, frame1
    srli t2, t2, 2
    ori t2, t2, PTE_V | PTE_R | PTE_W | PTE_AD
    sd t2, 0(t1)
    la t0, frame0
    li t1, 0x1111
    sd t1, (t0)
    la t0, frame1
    li t1, 0x2222
    sd t1, (t0)

    SATP_SV39(s10, root)
    SATP_SV39(s11, other_root)
    li t0, 1 << 44
    add s10, s10, t0 /* ASID 1 */
    slli t0, t0, 1
    add s11, s11, t0 /* ASID 2 */
    li s0, VIRTUAL

    /* Modes that do not exist leave satp as it was */
    csrw satp, s10
    li t0, 11 << 60 | 5
    csrw satp, t0
    csrr t0, satp
    EXPECT_REG(t0, s10)
    li t0, -1
    csrw satp, t0
    csrr t0, satp
    EXPECT_REG(t0, s10)
    csrw satp, x0
    la s1, done
    ENTER_S(supervisor)

supervisor:
    /* From Bare to Sv39 without a fence */
    csrw satp, s10
    ld t0, (s0)
    EXPECT(t0, 0x1111)
    /* Two ASIDs take turns without fences, and keep their own pages */
    li t2, 100
1:  csrw satp, s11
    ld t0, (s0)
    EXPECT(t0, 0x2222)
    csrw satp, s10
    ld t0, (s0)
    EXPECT(t0, 0x1111)
    addi t2, t2, -1
    bnez t2, 1b

    /* After a fence for its address and ASID a changed leaf counts */
    la t1, leaves
    ld t3, (t1)
    la t2, other_leaves
    ld t4, (t2)
    sd t4, (t1)
    li t2, 1
    sfence.vma s0, t2
    ld t0, (s0)
    EXPECT(t0, 0x2222)
    sd t3, (t1)
    sfence.vma s0, x0
    ld t0, (s0)
    EXPECT(t0, 0x1111)
    sd t4, (t1)
    sfence.vma x0, t2
    ld t0, (s0)
    EXPECT(t0, 0x2222)
    sd t3, (t1)
    sfence.vma x0, x0
    ld t0, (s0)
    EXPECT(t0, 0x1111)
    /* A global page by its address */
    li t4, VIRTUAL + 0x1000
    ld t0, (t4)
    EXPECT(t0, 0x1111)
    la t2, other_leaves
    ld t2, (t2)
    sd t2, 8(t1)
    sfence.vma t4, x0
    ld t0, (t4)
    EXPECT(t0, 0x2222)

    /* Back to Bare at once: the virtual address is nothing now */
    csrw satp, x0
    ld t0, (s0)
    FAIL_HERE
done:
    EXPECT(s2, 5)
    EXPECT_REG(s4, s0)

    /* TVM: S-mode has neither satp nor SFENCE.VMA */
    li t0, MSTATUS_TVM
    csrs mstatus, t0
    la s1, 1f
    ENTER_S(read_satp)
1:  EXPECT(s2, 2)
    la s1, 1f
    ENTER_S(fence)
1:  EXPECT(s2, 2)
    csrr t0, satp
    sfence.vma
    li t0, MSTATUS_TVM
    csrc mstatus, t0
    la s1, 1f
    ENTER_U(fence)
1:  EXPECT(s2, 2)
    PASS
read_satp:
    csrr t0, satp
    FAIL_HERE
fence:
    sfence.vma
    FAIL_HERE

    .bss
    .align 12
other_root:
    .skip 4096
other_middle:
    .skip 4096
other_leaves:
    .skip 4096
