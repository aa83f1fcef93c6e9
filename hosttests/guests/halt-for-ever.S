// Nothing could ever wake it.
    .globl  _start
_start:
    cli
    hlt
