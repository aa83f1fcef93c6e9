// Answers each character that is typed by a line with it; q ends it. Never waits, so that others run by the clock alone.
#include "hosttests/guests/native.h"
    .globl  _start
_start:
    movabs  $buffer, %r12
again:
    hypercall CONSOLE_READ, (PRIVATE_BASE + buffer - IMAGE_BASE), 1
    test    %rdx, %rdx
    jz      again
    cmpb    $'q', (%r12)
    je      end
    hypercall CONSOLE_WRITE, (PRIVATE_BASE + buffer - IMAGE_BASE), 2
    jmp     again
end:
    hypercall POWER_OFF, 0
    .data
buffer:
    .ascii  "?\n"
