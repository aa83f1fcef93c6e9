// Executes what lies in the bundle's images, which are data.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
_start:
    map_at_512m 0x5000000000
    ldr     x1, [x0]                            // reading is allowed
    br      x0
    .ltorg
