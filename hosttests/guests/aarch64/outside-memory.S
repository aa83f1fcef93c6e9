// Page tables that lead to guest-physical addresses that are nobody's.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
_start:
    map_at_512m 0x7000000000
    ldr     x0, [x0]
    b       .
    .ltorg
