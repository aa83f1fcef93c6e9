/* Framework of the guest programs: they run in M-mode at 0x80000000 on the board (or on QEMU's virt), check what
   the hart does and end through the test finisher, on failure with the line of the failed check. */

#define FINISHER 0x100000

#define MSTATUS_SIE (1 << 1)
#define MSTATUS_MIE (1 << 3)
#define MSTATUS_SPIE (1 << 5)
#define MSTATUS_MPIE (1 << 7)
#define MSTATUS_SPP (1 << 8)
#define MSTATUS_MPP (3 << 11)
#define MSTATUS_MPP_S (1 << 11)
#define MSTATUS_FS (3 << 13)
#define MSTATUS_MPRV (1 << 17)
#define MSTATUS_SUM (1 << 18)
#define MSTATUS_MXR (1 << 19)
#define MSTATUS_TVM (1 << 20)
#define MSTATUS_TW (1 << 21)
#define MSTATUS_TSR (1 << 22)

#define SSIP (1 << 1)
#define MSIP (1 << 3)
#define STIP (1 << 5)
#define MTIP (1 << 7)
#define SEIP (1 << 9)

#define PTE_V 1
#define PTE_R 2
#define PTE_W 4
#define PTE_X 8
#define PTE_U 16
#define PTE_G 32
#define PTE_A 64
#define PTE_D 128
#define PTE_RWX (PTE_V | PTE_R | PTE_W | PTE_X)
#define PTE_AD (PTE_A | PTE_D)

/* Symbols of CSRs that the assembler may not know. */
#define stimecmp 0x14D
#define menvcfg 0x30A

/* s1: where traps to M-mode go on, in M-mode; s2 to s5: mcause, mepc, mtval and mstatus as the trap left them.
   A trap while s1 is 0 is a failure. s6 to s8: scause, sepc, stval of a trap to S-mode, which goes on at s9.
   t5, t6 and a0 are the macros'. */
    .option norelax
    .option nopic
    .section .text.start, "ax"
    .globl _start
_start:
#ifdef SUPERVISOR_START
    j main
#endif
    la sp, stack_top
    la t0, machine_trap
    csrw mtvec, t0
    la t0, supervisor_trap
    csrw stvec, t0
    li s1, 0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1F
    csrw pmpcfg0, t0
    j main

    .align 2
machine_trap:
    csrr s2, mcause
    csrr s3, mepc
    csrr s4, mtval
    csrr s5, mstatus
    li a0, 255
    beqz s1, fail
    mv t5, s1
    li s1, 0
    jr t5

    .align 2
supervisor_trap:
    csrr s6, scause
    csrr s7, sepc
    csrr s8, stval
    jr s9

/* a0: the line, below 255 since QEMU exits with its low byte; 255: a trap that was not expected */
    .globl fail
fail:
    slli a0, a0, 16
    li t0, 0x3333
    or a0, a0, t0
    li t0, FINISHER
    sw a0, (t0)
1:  j 1b
pass:
    li a0, 0x5555
    li t0, FINISHER
    sw a0, (t0)
1:  j 1b

#define PASS j pass
#define FAIL_HERE li a0, __LINE__ ; j fail
#define EXPECT(reg, value) li t6, value ; li a0, __LINE__ ; bne reg, t6, fail
#define EXPECT_REG(reg, other) li a0, __LINE__ ; bne reg, other, fail
#define EXPECT_ADDRESS(reg, symbol) la t6, symbol ; li a0, __LINE__ ; bne reg, t6, fail
#define EXPECT_CSR(csr, value) csrr t5, csr ; EXPECT(t5, value)
/* Bits of a CSR */
#define EXPECT_BITS(csr, mask, value) csrr t5, csr ; li t6, mask ; and t5, t5, t6 ; EXPECT(t5, value)

/* The statement between must trap to M-mode with the cause. */
#define TRAPS(expected_cause, ...)                                                                           \
    la s1, 9f ; __VA_ARGS__ ; FAIL_HERE ; 9 : EXPECT(s2, expected_cause)

/* Go to `label` in another mode. */
#define ENTER(mode_bits, label)                                                                              \
    li t6, MSTATUS_MPP ; csrc mstatus, t6 ; li t6, mode_bits ; csrs mstatus, t6 ; la t6, label ;             \
    csrw mepc, t6 ; mret
#define ENTER_S(label) ENTER(MSTATUS_MPP_S, label)
#define ENTER_U(label) ENTER(0, label)

/* Sv39: the program and the devices are mapped 1:1 by two superpages for S-mode; virtual 0xC0000000 has page
   tables of its own, `leaves` being the last level. */
#define VIRTUAL 0xC0000000
#define SATP_SV39(reg, root) la reg, root ; srli reg, reg, 12 ; li t6, 8 << 60 ; or reg, reg, t6
#define MAP(index, symbol, flags)                                                                            \
    la t5, symbol ; srli t5, t5, 2 ; li t6, flags ; or t5, t5, t6 ; la t6, leaves ;          \
    sd t5, 8 * (index)(t6)

    .macro build_page_tables
    li t0, (0x00000000 >> 2) | PTE_RWX | PTE_AD
    la t1, root
    sd t0, 0(t1)
    li t0, (0x80000000 >> 2) | PTE_RWX | PTE_AD
    sd t0, 16(t1)
    la t0, middle
    srli t0, t0, 2
    ori t0, t0, PTE_V
    sd t0, 24(t1)
    la t1, middle
    la t0, leaves
    srli t0, t0, 2
    ori t0, t0, PTE_V
    sd t0, 0(t1)
    .endm

    .bss
    .align 12
root:
    .skip 4096
middle:
    .skip 4096
leaves:
    .skip 4096
frame0:
    .skip 4096
frame1:
    .skip 4096
    .skip 4096
stack_top:
    .text
