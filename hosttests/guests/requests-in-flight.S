// Ends, by an access outside of its memory, while its disk works on two reads of 1 MiB.
#include "hosttests/guests/device.h"
    .globl  _start
_start:
    map_device
    start_device
    descriptor 0, (RAM_BASE + 0x3000), 16, 1, 1
    descriptor 1, (RAM_BASE + 0x100000), 0x80000, 3, 2
    descriptor 2, (RAM_BASE + 0x3100), 1, 2, 0
    descriptor 3, (RAM_BASE + 0x3000), 16, 1, 4
    descriptor 4, (RAM_BASE + 0x180000), 0x80000, 3, 5
    descriptor 5, (RAM_BASE + 0x3101), 1, 2, 0
    movw    $0, 0x1004(%r12)
    movw    $3, 0x1006(%r12)
    mfence
    movw    $2, 0x1002(%r12)
    mfence
    movabs  $NOTIFY, %rbx
    movw    $0, (%rbx)
    map_at_512m 0x7000000000
    movabs  $RAM, %rax
    mov     (%rax), %rax
    hlt
