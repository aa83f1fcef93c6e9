// Executes what lies in the bundle's images, which are data.
#include "hosttests/guests/native.h"
    .globl  _start
_start:
    map_at_512m 0x5000000000
    movabs  $(IMAGE_BASE + 0x20000000), %rax
    mov     (%rax), %rbx                            // reading is allowed
    jmp     *%rax
