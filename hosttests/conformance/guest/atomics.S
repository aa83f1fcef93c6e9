#include "conformance.h"
main:
    la s0, word
    CASE(2, a0, 5, li a1, 3; amoadd.w a0, a1, (s0))
    CASE(3, a0, 8, lw a0, (s0))
    CASE(4, a0, 8, li a1, -1; amomaxu.w a0, a1, (s0))
    CASE(5, a0, -1, lw a0, (s0))
    CASE(6, a0, 0, lr.d a1, (s0); sc.d a0, zero, (s0))
    CASE(7, a0, 0, ld a0, (s0))
    CASE(8, a0, 1, sc.d a0, zero, (s0); snez a0, a0)
    CASE(9, a0, 5, la t0, 1f; csrw mtvec, t0; li a1, 8; lr.d a0, (a1); .balign 4; 1: csrr a0, mcause)
    j pass
    .data
    .balign 8
word: .word 5, 0
