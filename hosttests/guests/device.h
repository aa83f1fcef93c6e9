// For programs of native VMs that drive the virtio disk which is their device 0, as QEMU lays it out: all structures
// in BAR 4, which is the first that is mapped.
#include "hosttests/guests/native.h"
#define DEVICE_CONTROL 17
#define DEVICE_BASE 0x6000000000
#define RAM_BASE 0x80000000
#define RAM (IMAGE_BASE + 0x20000000)           // where map_device maps them
#define COMMON (IMAGE_BASE + 0x20200000)
#define NOTIFY (COMMON + 0x3000)

// Has the entry tables lead to RAM and to the device's registers.
.macro map_device
    map_at_512m RAM_BASE
    movabs  $(DEVICE_BASE + 0x93), %rcx
    mov     %rcx, 0x2808(%rax)
    mov     %cr3, %rcx
    mov     %rcx, %cr3
.endm

// The device with queue 0 of 8 descriptors: descriptors at RAM, available at RAM + 0x1000, used at RAM + 0x2000.
// rbx = COMMON, r12 = RAM afterwards.
.macro start_device
    hypercall DEVICE_CONTROL, 0, 1
    movabs  $COMMON, %rbx
    movabs  $RAM, %r12
    movb    $0, 0x14(%rbx)
1:  cmpb    $0, 0x14(%rbx)
    jne     1b
    movb    $3, 0x14(%rbx)
    movl    $1, 0x08(%rbx)
    movl    $3, 0x0c(%rbx)                      // VERSION_1, ACCESS_PLATFORM
    movl    $0, 0x08(%rbx)
    movl    $0, 0x0c(%rbx)
    movb    $0xb, 0x14(%rbx)
    movw    $0, 0x16(%rbx)
    movw    $8, 0x18(%rbx)
    movl    $RAM_BASE, %eax
    mov     %eax, 0x20(%rbx)
    movl    $0, 0x24(%rbx)
    add     $0x1000, %eax
    mov     %eax, 0x28(%rbx)
    movl    $0, 0x2c(%rbx)
    add     $0x1000, %eax
    mov     %eax, 0x30(%rbx)
    movl    $0, 0x34(%rbx)
    movw    $1, 0x1c(%rbx)
    movb    $0xf, 0x14(%rbx)
.endm

// Descriptor `index`.
.macro descriptor index, address, length, flags, next
    movabs  $\address, %rax
    mov     %rax, 16*\index(%r12)
    movl    $\length, 16*\index+8(%r12)
    movw    $\flags, 16*\index+12(%r12)
    movw    $\next, 16*\index+14(%r12)
.endm
