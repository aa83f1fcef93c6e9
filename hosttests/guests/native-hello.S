// A native VM that behaves: reads its boot information, says hello, works with its disks (the first writable, the
// second read-only) and powers off. The exit code is the number of the check that failed.
#include "hosttests/guests/native.h"
#define BLOCK_WRITE 7
#define BLOCK_FLUSH 8
#define DENIED 5
#define MAGIC 0x3152414c485341  // "ASHLAR1"
#define DISK_COUNT 60           // in BootInfo
#define RAM 0x80000000
    .globl  _start
.macro check number, condition
    j\condition 9f
    mov     $\number, %edi
    jmp     end
9:
.endm
_start:
    movabs  $MAGIC, %rax
    cmp     %rax, (%rdi)
    check   1, e
    cmpl    $2, DISK_COUNT(%rdi)
    check   2, e
    hypercall CONSOLE_WRITE, (PRIVATE_BASE + greeting - IMAGE_BASE), (greeting_end - greeting)
    test    %rax, %rax
    check   3, z
    cmp     $(greeting_end - greeting), %rdx
    check   4, e
    // The first sector of one disk becomes the second of it.
    hypercall BLOCK_READ, 0, 0, RAM, 512
    test    %rax, %rax
    check   5, z
    hypercall BLOCK_WRITE, 0, 1, RAM, 512
    test    %rax, %rax
    check   6, z
    hypercall BLOCK_FLUSH, 0
    test    %rax, %rax
    check   7, z
    hypercall BLOCK_READ, 0, 1, (RAM + 0x1000), 512
    test    %rax, %rax
    check   8, z
    hypercall CONSOLE_WRITE, (RAM + 0x1000), 20
    // The other is what it was.
    hypercall BLOCK_WRITE, 1, 1, RAM, 512
    cmp     $DENIED, %rax
    check   9, e
    hypercall CONSOLE_READ, (RAM + 0x2000), 16
    test    %rax, %rax
    check   10, z
    xor     %edi, %edi
end:
    mov     $POWER_OFF, %eax
    vmmcall
greeting:
    .ascii  "Hello from a native VM.\n"
greeting_end:
