/* Framework in the manner of the RISC-V architecture tests: numbered cases, gp holds the running one, the result goes
   to the word `tohost`: 1 is a pass, (case << 1) | 1 a failure. */

    .section .text.start, "ax"
    .globl _start
_start:
    la t0, unexpected_trap
    csrw mtvec, t0
    li t0, 0x6000               # mstatus.FS
    csrs mstatus, t0
    csrw fcsr, zero
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    j main

    .balign 4
unexpected_trap:
    j fail

pass:
    li t0, 1
    j report
fail:
    slli t0, gp, 1
    ori t0, t0, 1
report:
    la t1, tohost
    sd t0, (t1)
1:  j 1b

    .section .tohost, "aw", @progbits
    .balign 64
    .globl tohost
tohost: .dword 0
    .size tohost, 8
    .balign 64
    .globl fromhost
fromhost: .dword 0
    .size fromhost, 8

    .text

/* Runs the code, then the register must hold the expected value. Uses t6. */
#define CASE(number, register, expected, ...) \
    li gp, number; __VA_ARGS__; li t6, expected; bne register, t6, fail
