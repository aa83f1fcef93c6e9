// Computes without ever leaving the CPU by itself; the others run all the same, and so does the clock.
#include "hosttests/guests/native.h"
    .globl  _start
_start:
    mov     $300000000, %rcx
1:  dec     %rcx
    jnz     1b
    hypercall POWER_OFF, 0
