#include "conformance.h"
main:
    CASE(2, a0, 0xffffffff80000000, li a1, 0x7fffffff; addiw a0, a1, 1)
    CASE(3, a0, 0x8000000000000000, li a1, 0x7fffffffffffffff; addi a0, a1, 1)
    CASE(4, a0, 0xffffffffffffff80, li a1, 0x80; sext.b a0, a1)
    CASE(5, a0, 1, li a1, -1; li a2, 1; slt a0, a1, a2)
    CASE(6, a0, 0, sltu a0, a1, a2)
    CASE(7, a0, 0xfffffffffffffffe, li a1, -1; mulhu a0, a1, a1)
    CASE(8, a0, 0x8000000000000000, li a1, 0x8000000000000000; li a2, -1; div a0, a1, a2)
    CASE(9, a0, 0, rem a0, a1, a2)
    CASE(10, a0, -1, li a2, 0; divu a0, a1, a2)
    CASE(11, a0, 0x8000000000000000, remu a0, a1, a2)
    CASE(12, a0, 0x3020100, la a1, bytes; lw a0, (a1))
    CASE(13, a0, 0x0706050403020100, ld a0, (a1))
    CASE(14, a0, 0x8807060504030201, ld a0, 1(a1))
    CASE(15, a0, 0xffffffffffffff88, lb a0, 8(a1))
    CASE(16, a0, 0x9988, lhu a0, 8(a1))
    CASE(17, a0, 24, li a1, 4; li a2, 8; sh2add a0, a1, a2)
    CASE(18, a0, 63, li a1, 1; clz a0, a1)
    CASE(19, a0, 0x0100000000000000, rev8 a0, a1)
    CASE(20, a0, 0xff, orc.b a0, a1)
    CASE(21, a0, 0x11, li a1, 0x10; bseti a0, a1, 0)
    CASE(22, a0, 7, li a0, 0; li a1, 7; 1: addi a0, a0, 1; bne a0, a1, 1b)
    CASE(23, a0, 42, li a0, 41; call add_one)
    CASE(24, a0, 0x1234, la a1, target; jalr ra, 1(a1))
    j pass
add_one:
    addi a0, a0, 1
    ret
target:
    li a0, 0x1234
    ret
    .data
    .balign 8
bytes: .byte 0, 1, 2, 3, 4, 5, 6, 7, 0x88, 0x99
