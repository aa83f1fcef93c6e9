// Has its disk write to memory that is not its own: to the hypervisor's image. Then waits for the character q.
#include "hosttests/guests/device.h"
    .globl  _start
_start:
    map_device
    start_device
    descriptor 0, (RAM_BASE + 0x3000), 16, 1, 1
    descriptor 1, 0x200000, 512, 3, 2
    descriptor 2, (RAM_BASE + 0x3100), 1, 2, 0
    movw    $0, 0x1004(%r12)
    mfence
    movw    $1, 0x1002(%r12)
    mfence
    movabs  $NOTIFY, %rbx
    movw    $0, (%rbx)
    movabs  $buffer, %r12
again:
    hypercall CONSOLE_READ, (PRIVATE_BASE + buffer - IMAGE_BASE), 1
    test    %rdx, %rdx
    jz      again
    hypercall POWER_OFF, 0
    .data
buffer:
    .byte   0
