// Writes to the bundle's images, which are read-only in spite of the VM's own tables.
#include "hosttests/guests/native.h"
    .globl  _start
_start:
    map_at_512m 0x5000000000
    movabs  $(IMAGE_BASE + 0x20000000), %rax
    mov     (%rax), %rbx                            // reading is allowed
    mov     %rbx, (%rax)
    hypercall POWER_OFF, 0
