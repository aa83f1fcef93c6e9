// Answers each character that is typed by a line with it; q ends it. Never waits, so that others run by the clock alone.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
_start:
    ldr     x19, =buffer
again:
    hypercall CONSOLE_READ, (PRIVATE_BASE + buffer - IMAGE_BASE), 1
    cbz     x1, again
    ldrb    w1, [x19]
    cmp     w1, #'q'
    b.eq    end
    hypercall CONSOLE_WRITE, (PRIVATE_BASE + buffer - IMAGE_BASE), 2
    b       again
end:
    hypercall POWER_OFF, 0
    .ltorg
    .data
buffer:
    .ascii  "?\n"
