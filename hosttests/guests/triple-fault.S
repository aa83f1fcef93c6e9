// An exception without a table to handle it.
    .globl  _start
_start:
    lidt    empty(%rip)
    ud2
empty:
    .short  0
    .quad   0
