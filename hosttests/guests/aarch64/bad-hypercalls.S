// Asks for what must be refused, and ends well when it was; the exit code is the number of the check that failed.
#include "hosttests/guests/aarch64/native.h"
    .globl  _start
// A call, and the status (lib/vm_abi.h) that it must have.
.macro refused number, status, call, first=0, second=0, third=0, fourth=0
    hypercall \call, \first, \second, \third, \fourth
    cmp     x0, #\status
    check   \number, eq
.endm
_start:
    refused 1, 1, 999                                       // unknown call
    refused 2, 2, CONSOLE_WRITE, 0x1000, 8                  // not its memory
    refused 3, 2, CONSOLE_WRITE, 0xffffffffffffffff, 8      // wraps
    refused 4, 3, CONSOLE_WRITE, PRIVATE_BASE, 0xffffffffffffffff
    refused 5, 2, CONSOLE_READ, 0x7000000000, 16
    refused 6, 4, BLOCK_INFO, 0, PRIVATE_BASE               // no such disk
    refused 7, 4, BLOCK_READ, 0xffffffffffffffff, 0, PRIVATE_BASE, 512
    b       1f
    .ltorg
1:  refused 8, 2, STATISTICS, 0x1ffffffffffff000
    refused 9, 2, STATISTICS, 0x1004000000000               // beyond the guest-physical width
    refused 10, 2, CONSOLE_WRITE, (0x80200000-4), 8         // the last bytes of RAM and what is behind
    hypercall POWER_OFF, 0
    .ltorg
