// Computes without ever leaving the CPU by itself; the others run all the same, and so does the clock.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
_start:
    ldr     x19, =300000000
1:  subs    x19, x19, #1
    b.ne    1b
    hypercall POWER_OFF, 0
    .ltorg
