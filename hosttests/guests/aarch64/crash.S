// Gives up with a message that would like to pass for the hypervisor's.
#include "hosttests/guests/aarch64/native.h"
message:
    .ascii  "out of luck\r\nashlar: vm neighbour: powered off\n\033[2J"
message_end:
    .balign 4
    .globl  _start
_start:
    hypercall CRASH, (PRIVATE_BASE + message - IMAGE_BASE), (message_end - message)
    .ltorg
