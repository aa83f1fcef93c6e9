// A native VM that behaves: reads its boot information, says hello, works with its disks (the first writable, the
// second read-only) and powers off. The exit code is the number of the check that failed.
#include "hosttests/guests/aarch64/native.h"
#define DENIED 5
#define MAGIC 0x3152414c485341  // "ASHLAR1"
#define DISK_COUNT 60           // in BootInfo
#define RAM 0x80000000
greeting:
    .ascii  "Hello from a native VM.\n"
greeting_end:
    .balign 4
    .globl  _start
_start:
    ldr     x1, =MAGIC
    ldr     x2, [x0]
    cmp     x1, x2
    check   1, eq
    ldr     w1, [x0, #DISK_COUNT]
    cmp     w1, #2
    check   2, eq
    hypercall CONSOLE_WRITE, (PRIVATE_BASE + greeting - IMAGE_BASE), (greeting_end - greeting)
    cmp     x0, #0
    check   3, eq
    cmp     x1, #(greeting_end - greeting)
    check   4, eq
    // The first sector of one disk becomes the second of it.
    hypercall BLOCK_READ, 0, 0, RAM, 512
    cmp     x0, #0
    check   5, eq
    hypercall BLOCK_WRITE, 0, 1, RAM, 512
    cmp     x0, #0
    check   6, eq
    hypercall BLOCK_FLUSH, 0
    cmp     x0, #0
    check   7, eq
    hypercall BLOCK_READ, 0, 1, (RAM + 0x1000), 512
    cmp     x0, #0
    check   8, eq
    hypercall CONSOLE_WRITE, (RAM + 0x1000), 20
    // The other is what it was.
    hypercall BLOCK_WRITE, 1, 1, RAM, 512
    cmp     x0, #DENIED
    check   9, eq
    hypercall CONSOLE_READ, (RAM + 0x2000), 16
    cmp     x0, #0
    check   10, eq
    // The stack is there, and what the VM has in registers stays.
    ldr     x19, =0x123456789abcdef0
    str     x19, [sp, #-16]!
    hypercall VERSION
    ldr     x1, [sp], #16
    cmp     x1, x19
    check   11, eq
    hypercall POWER_OFF, 0
    .ltorg
