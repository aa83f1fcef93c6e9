# Loops whose host code is counted. Each has a page. It begins with what is done once, up to `turn`; the rest is
# repeated for ever: turns of as many guest instructions as the macro is told.
#
# a0 and a1 point to data, pages apart. The first doubleword at a0 holds its own address, all else is 0. a2 is a
# long way off, a3 to a5 hold 3, 5 and 7; floating point is on and fa0 to fa5 hold 1.0.

    .option norelax
    .macro snippet name, instructions
    .pushsection .names, "a"
8:  .asciz "\name"
    .org 8b + 32
    .pushsection .turns, "a"
    .dword \instructions
    .popsection
    .popsection
    .text
    .balign 4096
    .endm
    .macro turn
    wfi
1:
    .endm
    .macro again            # one instruction
    j 1b
    .endm

    .section .count, "a"
    .dword (last_turn - first_turn) / 8
    .section .names, "a"
    .section .turns, "a"
first_turn:
    .text

# ---------------------------------------------------------------- arithmetic
    snippet alu-chain, 6
    turn
    add a0, a0, a3
    xor a1, a1, a0
    slli a4, a1, 3
    sub a5, a4, a0
    and a0, a0, a5
    again

    snippet alu-other-registers, 6
    turn
    add t0, t0, t1
    xor t3, t3, t0
    slli t4, t3, 3
    sub t5, t4, t0
    and t0, t0, t5
    again

    snippet constants, 4
    turn
    lui a0, 0x12345
    addi a0, a0, 0x678
    add a1, a1, a0
    again

    snippet words, 5
    turn
    addw a0, a0, a3
    subw a1, a1, a0
    addiw a4, a1, 5
    mulw a5, a4, a3
    again

    snippet words-stored, 5
    turn
    addw a3, a3, a4
    mulw a4, a4, a3
    addiw a4, a4, 1
    sw a4, 0(a1)
    again

    snippet carry, 5
    turn
    add a0, a0, a3
    sltu a4, a0, a3
    add a1, a1, a5
    add a1, a1, a4
    again

    snippet zero-tests, 4
    turn
    addi a0, a0, 1
    seqz a1, a0
    snez a4, a3
    again

    snippet compare-and-branch, 4
    turn
    addi a4, a4, 1
    slt a5, a4, a2
    beqz a5, 2f
    again
2:  j 2b

    snippet branch-not-taken, 4
    turn
    addi a4, a4, 1
    bge a4, a2, 2f
    addi a5, a5, 2
    again
2:  j 2b

    snippet branch-over, 4
    turn
    addi a4, a4, 1
    blt a4, a2, 2f
    addi a5, a5, 2
    nop
2:  addi a5, a5, 3
    again

    snippet count-down, 2
    turn
    addi a2, a2, -1
    bnez a2, 1b
2:  j 2b

# ---------------------------------------------------------------- shifts and bits
    snippet shifts-by-register, 5
    turn
    sll a0, a0, a3
    srl a1, a1, a3
    sra a4, a4, a3
    addi a0, a0, 1
    again

    snippet rotation-of-shifts, 4
    turn
    slli a4, a0, 13
    srli a5, a0, 51
    or a0, a4, a5
    again

    snippet rotations, 4
    turn
    rol a0, a0, a3
    rori a1, a1, 7
    rorw a4, a4, a3
    again

    snippet zero-extension, 4
    turn
    addi a0, a0, 3
    slli a1, a0, 32
    srli a1, a1, 32
    again

    snippet zero-extended-index, 6
    turn
    slli a4, a3, 32
    srli a4, a4, 29
    add a4, a4, a0
    ld a5, 8(a4)
    addi a3, a5, 1
    again

    snippet sign-extensions, 5
    turn
    addi a0, a0, 3
    sext.w a1, a0
    slli a4, a0, 56
    srai a4, a4, 56
    again

    snippet scaled-index, 4
    turn
    sh3add a4, a3, a0
    ld a5, 0(a4)
    addi a3, a5, 2
    again

    snippet minimum-maximum, 4
    turn
    addi a0, a0, 1
    min a1, a0, a3
    maxu a4, a0, a1
    again

    snippet bit-counts, 5
    turn
    addi a0, a0, 1
    clz a1, a0
    ctz a4, a0
    cpop a5, a0
    again

    snippet bytes, 4
    turn
    addi a0, a0, 1
    rev8 a1, a0
    orc.b a4, a0
    again

    snippet single-bits, 5
    turn
    bset a0, a0, a3
    bclr a0, a0, a4
    binvi a0, a0, 9
    bext a1, a0, a3
    again

# ---------------------------------------------------------------- multiplication and division
    snippet product, 3
    turn
    mul a0, a0, a3
    addi a0, a0, 1
    again

    snippet long-product, 4
    turn
    mulhu a1, a0, a3
    mul a0, a0, a3
    addi a0, a0, 1
    again

    snippet word-product-of-constant, 3
    turn
    li a4, 10
    mulw a1, a2, a4
    again

    snippet quotient, 3
    turn
    div a1, a2, a3
    add a4, a4, a1
    again

    snippet remainder-of-words, 3
    turn
    remuw a1, a2, a3
    add a4, a4, a1
    again

# ---------------------------------------------------------------- memory
    snippet quotient-of-constant, 4
    turn
    li a4, 10
    divu a1, a2, a4
    add a2, a2, a1
    again

    snippet signed-quotient-of-constant, 4
    turn
    li a4, -7
    div a1, a2, a4
    add a2, a2, a1
    again

    snippet remainder-of-word-constant, 4
    turn
    li a4, 10
    remw a1, a2, a4
    add a2, a2, a1
    again

    snippet load, 3
    turn
    ld a4, 8(a0)
    add a5, a5, a4
    again

    snippet loads-of-one-base, 5
    turn
    ld a3, 8(a0)
    ld a4, 16(a0)
    lw a5, 24(a0)
    lbu t0, 28(a0)
    again

    snippet stores-to-one-base, 5
    turn
    sd a3, 8(a1)
    sd a4, 16(a1)
    sw a5, 24(a1)
    sb zero, 28(a1)
    again

    snippet increment-in-memory, 4
    turn
    lw a4, 8(a1)
    addiw a4, a4, 1
    sw a4, 8(a1)
    again

    snippet sum-of-array, 4
    turn
    ld a4, 8(a0)
    addi a0, a0, 8
    add a5, a5, a4
    bne a0, a2, 1b
2:  j 2b

    snippet fill, 3
    turn
    sd zero, 0(a1)
    addi a1, a1, 8
    bltu a1, a2, 1b
2:  j 2b

    snippet copy, 5
    turn
    ld a4, 8(a0)
    addi a0, a0, 8
    sd a4, 0(a1)
    addi a1, a1, 8
    bne a0, a2, 1b
2:  j 2b

    snippet copy-bytes, 5
    turn
    lbu a4, 8(a0)
    addi a0, a0, 1
    sb a4, 0(a1)
    addi a1, a1, 1
    bne a0, a2, 1b
2:  j 2b

    snippet find-byte, 3
    addi a0, a0, 8
    turn
    lbu a4, 0(a0)
    addi a0, a0, 1
    beqz a4, 1b
2:  j 2b

    snippet indexed-sum, 5
    li a3, 1
    turn
    sh3add a4, a3, a0
    ld a4, 0(a4)
    addi a3, a3, 1
    add a5, a5, a4
    bne a3, a2, 1b
2:  j 2b

    snippet follow-pointers, 2
    turn
    ld a0, 0(a0)
    bnez a0, 1b
2:  j 2b

    snippet load-beside-code, 4
    turn
    auipc a4, 1
    ld a4, 0(a4)
    add a5, a5, a4
    again

# ---------------------------------------------------------------- loops and calls
    snippet nested-loops, 27            # four turns of six in each
    turn
    li a4, 4
2:  ld a5, 8(a0)
    add a3, a3, a5
    sd a3, 0(a1)
    xor a3, a3, a4
    addi a4, a4, -1
    bnez a4, 2b
    addi t0, t0, 1
    again

    snippet two-ways-round, 20          # ten in each of a pair of turns
    li a4, 0
    turn
    xori a4, a4, 1
    beqz a4, 2f
    addi a5, a5, 1
    addi a5, a5, 2
    addi a5, a5, 3
    addi t0, t0, 1
    addi t0, t0, 1
    addi t0, t0, 1
    addi t0, t0, 1
    j 1b
2:  addi a5, a5, -1
    addi a5, a5, -2
    addi a5, a5, -3
    addi t0, t0, 2
    addi t0, t0, 2
    addi t0, t0, 2
    addi t0, t0, 2
    j 1b

    snippet call, 4
    turn
    jal ra, 2f
    addi a5, a5, 1
    again
2:  ret

    snippet calls-with-frames, 14
    mv sp, a1
    turn
    jal ra, 2f
    addi a5, a5, 1
    again
2:  addi sp, sp, -16
    sd ra, 8(sp)
    sd s0, 0(sp)
    mv s0, a5
    jal ra, 3f
    ld ra, 8(sp)
    ld s0, 0(sp)
    addi sp, sp, 16
    ret
3:  addi a4, s0, 1
    ret

    snippet call-of-pointer, 4
    la a4, 2f
    turn
    jalr ra, 0(a4)
    addi a5, a5, 1
    again
2:  ret

    snippet switch, 8
    .option push
    .option norvc
    la a4, 2f
    turn
    andi t0, a3, 3
    slli t0, t0, 3
    add t0, t0, a4
    jr t0
2:  addi a5, a5, 1
    j 3f
    addi a5, a5, 2
    j 3f
    addi a5, a5, 3
    j 3f
    addi a5, a5, 4
    j 3f
3:  addi a3, a3, 1
    again
    .option pop

    snippet calls-of-pointers, 10   # to two functions by turns
    li a3, 4                        # from one to the other
    turn
    andi t0, a5, 1
    neg t0, t0
    and t0, t0, a3
    la a4, 2f                       # two instructions
    add a4, a4, t0
    jalr ra, 0(a4)
    again
2:  addi a5, a5, 1
    ret
3:  addi a5, a5, 3
    ret

    snippet recursion, 26           # three deep
    mv sp, a1
    turn
    li a3, 3
    jal ra, 2f
    again
2:  addi sp, sp, -16
    sd ra, 8(sp)
    addi a3, a3, -1
    beqz a3, 3f
    jal ra, 2b
3:  ld ra, 8(sp)
    addi sp, sp, 16
    ret

# ---------------------------------------------------------------- floating point
    snippet float-sum, 3
    turn
    fadd.d fa0, fa0, fa1
    fadd.d fa2, fa2, fa3
    again

    snippet float-product-stored, 5
    turn
    fmul.d fa4, fa0, fa1
    fmul.d fa5, fa2, fa3
    fsub.d fa4, fa4, fa5
    fsd fa4, 0(a0)
    again

    snippet float-singles, 4
    fcvt.s.d fa0, fa0
    fcvt.s.d fa1, fa1
    fcvt.s.d fa2, fa2
    turn
    fmul.s fa0, fa0, fa1
    fadd.s fa2, fa2, fa0
    fsub.s fa2, fa2, fa1
    again

    snippet float-singles-in-memory, 6
    turn
    flw fa4, 8(a0)
    flw fa5, 12(a0)
    fmul.s fa4, fa4, fa5
    fadd.s fa4, fa4, fa5
    fsw fa4, 8(a0)
    again

    snippet float-fused, 2
    turn
    fmadd.d fa0, fa1, fa2, fa0
    again

    snippet float-dot-product, 6
    turn
    fld fa4, 8(a0)
    fld fa5, 0(a1)
    addi a0, a0, 8
    addi a1, a1, 8
    fmadd.d fa0, fa4, fa5, fa0
    bne a0, a2, 1b
2:  j 2b

    snippet float-compare, 4
    turn
    fadd.d fa0, fa0, fa1
    flt.d a4, fa0, fa1
    bnez a4, 2f
    again
2:  j 2b

    snippet float-conversions, 5
    turn
    fcvt.d.w fa0, a3
    fcvt.w.d a4, fa0, rtz
    fcvt.s.d fa1, fa0
    fcvt.d.s fa2, fa1
    again

    snippet float-minimum, 3
    turn
    fmin.d fa0, fa0, fa1
    fsgnj.d fa2, fa0, fa1
    again

# ---------------------------------------------------------------- atomic operations
    snippet atomic-add, 2
    turn
    amoadd.d a4, a3, (a1)
    again

    snippet reserve-and-store, 5
    turn
    lr.w a4, (a1)
    addi a4, a4, 1
    sc.w a5, a4, (a1)
    bnez a5, 2f
    again
2:  j 2b

# ---------------------------------------------------------------- the system
    snippet trap-registers, 5
    turn
    csrrw a4, sscratch, a4
    csrr a5, sepc
    csrrsi a3, sstatus, 2
    csrw scause, a5
    again

    snippet classify, 3
    turn
    fclass.d a4, fa0
    fclass.s a5, fa1
    again

    snippet static-rounding, 3
    turn
    fadd.d fa0, fa0, fa1, rne
    fmul.d fa2, fa0, fa1, rne
    again

    .balign 4096
    .section .turns, "a"
last_turn:
