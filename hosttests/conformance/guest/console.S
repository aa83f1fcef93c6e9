#include "conformance.h"
/* A write by a proxied system call, characters by the console device, then the exit with a code of its own. */
main:
    la a0, block
    la a1, text
    sd a1, 16(a0)
    fence
    la t0, tohost
    sd a0, (t0)
    la t1, fromhost
1:  ld t2, (t1)
    beqz t2, 1b
    sd zero, (t1)
    la s0, characters
2:  lbu a1, (s0)
    beqz a1, 3f
    addi s0, s0, 1
    li a2, 0x0101 << 48
    or a1, a1, a2
    la t0, tohost
    sd a1, (t0)
4:  ld t2, (t0)
    bnez t2, 4b
    la t1, fromhost
    sd zero, (t1)
    j 2b
3:  li gp, 37
    j fail
    .data
    .balign 64
block: .dword 64, 1, 0, 6
text: .ascii "hello "
characters: .asciz "world\n"
