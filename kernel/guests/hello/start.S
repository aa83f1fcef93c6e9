    .section .text.start, "ax"
    .globl  _start
_start:
    la      sp, stack_top
    la      t0, bss_begin
    la      t1, bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  call    hello

    .bss
    .balign 16
    .skip   4096
stack_top:

    .section .note.GNU-stack, "", @progbits
