// The machine's serial port is not a VM's.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
_start:
    map_at_512m 0x09000000
    mov     w1, #'!'
    str     w1, [x0]
    hypercall POWER_OFF, 0
    .ltorg
