// Writes to the bundle's images, which are read-only in spite of the VM's own tables.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
_start:
    map_at_512m 0x5000000000
    ldr     x1, [x0]                            // reading is allowed
    str     x1, [x0]
    hypercall POWER_OFF, 0
    .ltorg
