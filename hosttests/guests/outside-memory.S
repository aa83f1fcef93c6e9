// Page tables that lead to guest-physical addresses that are nobody's.
#include "hosttests/guests/native.h"
    .globl  _start
_start:
    map_at_512m 0x7000000000
    movabs  $(IMAGE_BASE + 0x20000000), %rax
    mov     (%rax), %rax
    hlt
