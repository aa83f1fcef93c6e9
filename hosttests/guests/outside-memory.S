// Page tables that lead to guest-physical addresses that are nobody's.
#include "hosttests/guests/native.h"
    .globl  _start
_start:
    mov     %cr3, %rax
    movabs  $(PRIVATE_BASE - IMAGE_BASE), %rbx      // where the tables themselves are mapped
    sub     %rbx, %rax
    mov     0x2000(%rax), %rcx                      // the directory: its entry 256 leads to another place
    movabs  $0x7000000083, %rcx
    mov     %rcx, 0x2800(%rax)
    mov     %cr3, %rcx
    mov     %rcx, %cr3
    movabs  $(IMAGE_BASE + 0x20000000), %rax
    mov     (%rax), %rax
    hlt
