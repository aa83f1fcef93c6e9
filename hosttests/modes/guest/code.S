/* Code that changes: by stores, by remapping, in the very block that runs. */
#include "guest.h"

main:
    build_page_tables
    /* Rewritten and called again, 100 times: li a0, n; ret */
    la s10, frame0
    li t0, 0x00008067 /* ret */
    sw t0, 4(s10)
    li s11, 100
1:  li t0, 0x513 /* addi a0, x0, imm */
    slli t1, s11, 20
    or t0, t0, t1
    sw t0, (s10)
    fence.i
    jalr s10
    mv t1, a0
    EXPECT_REG(t1, s11)
    addi s11, s11, -1
    bnez s11, 1b

    /* The next instructions of the running block, after fence.i */
    la t0, patched
    li t1, 0x02A00393 /* addi t2, x0, 42 */
    li t2, 0
    sw t1, (t0)
    fence.i
patched:
    .option push
    .option norvc
    addi t2, x0, 1
    .option pop
    EXPECT(t2, 42)

    /* Remapped: the same virtual page, another frame */
    la t0, frame0
    li t1, 0x00A00393 /* addi t2, x0, 10 */
    sw t1, (t0)
    li t2, 0x00008067
    sw t2, 4(t0)
    la t0, frame1
    li t1, 0x01400393 /* addi t2, x0, 20 */
    sw t1, (t0)
    sw t2, 4(t0)
    fence.i
    MAP(0, frame0, PTE_V | PTE_X | PTE_A)
    la t0, leaves
    ld s10, (t0)
    MAP(0, frame1, PTE_V | PTE_X | PTE_A)
    la t0, leaves
    ld s11, (t0)
    SATP_SV39(t0, root)
    csrw satp, t0
    li s0, VIRTUAL
    la s1, done
    ENTER_S(remap)
remap:
    li t4, 50
    la t3, leaves
1:  sd s10, (t3)
    sfence.vma
    jalr s0
    EXPECT(t2, 10)
    sd s11, (t3)
    sfence.vma s0, x0
    jalr s0
    EXPECT(t2, 20)
    addi t4, t4, -1
    bnez t4, 1b
    /* A store through one mapping to code that ran through another */
    la t0, frame1
    li t1, 0x01E00393 /* addi t2, x0, 30 */
    sw t1, (t0)
    fence.i
    jalr s0
    EXPECT(t2, 30)
    ecall
done:
    EXPECT(s2, 9)

    /* An instruction across two pages, of which the second is remapped */
    la t0, frame1
    li t1, 0x0393
    sh t1, -2(t0)
    la t0, frame1
    li t1, 0x8082 << 16 | 0x00B0 /* 0x00B00393: addi t2, x0, 11; c.ret */
    sw t1, (t0)
    la t0, frame2
    li t1, 0x8082 << 16 | 0x0160 /* 22 */
    sw t1, (t0)
    MAP(0, frame0, PTE_V | PTE_X | PTE_A)
    MAP(1, frame1, PTE_V | PTE_X | PTE_A)
    la t0, leaves
    ld s10, 8(t0)
    MAP(1, frame2, PTE_V | PTE_X | PTE_A)
    la t0, leaves
    ld s11, 8(t0)
    sfence.vma
    li s0, VIRTUAL + 4094
    la s1, done_across
    ENTER_S(across)
across:
    li t4, 20
    la t3, leaves
1:  sd s10, 8(t3)
    sfence.vma
    jalr s0
    EXPECT(t2, 11)
    sd s11, 8(t3)
    sfence.vma
    jalr s0
    EXPECT(t2, 22)
    addi t4, t4, -1
    bnez t4, 1b
    /* Its second half rewritten */
    la t0, frame2
    li t1, 0x0210 /* 33 */
    sh t1, (t0)
    fence.i
    jalr s0
    EXPECT(t2, 33)
    ecall
done_across:
    EXPECT(s2, 9)
    PASS

    .bss
    .align 12
frame2:
    .skip 4096
