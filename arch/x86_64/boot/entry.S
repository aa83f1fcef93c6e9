// Entry from the boot protocols, both in 32-bit protected mode without paging: PVH (ebx = hvm_start_info) and
// multiboot2 (eax = magic, ebx = information). Builds tables that map the first 4 GiB three times, enters long
// mode and calls start(protocol, information).
#include "arch/x86_64/boot/protocol.h"
#include "arch/x86_64/common/stack_size.h"
#include "arch/x86_64/memory_layout.h"

#define PHYSICAL(symbol) ((symbol) - IMAGE_VIRTUAL_OFFSET)

// ------------------------------------------------------------------ headers that loaders look for

    .section .note.pvh, "a", @note
    .balign 4
    .long   4, 4, 18                    // name and descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz  "Xen"
    .long   PHYSICAL(pvh_start)

    .section .multiboot2, "a", @progbits
    .balign 8
multiboot2_header:
    .long   0xe85250d6                  // magic
    .long   0                           // i386 protected mode
    .long   multiboot2_header_end - multiboot2_header
    .long   -(0xe85250d6 + (multiboot2_header_end - multiboot2_header))
    // Entry address: the ELF header's is virtual.
    .short  3, 0
    .long   12
    .long   PHYSICAL(multiboot2_start)
    .balign 8
    // Modules page-aligned.
    .short  6, 0
    .long   8
    .balign 8
    .short  0, 0                        // end
    .long   8
multiboot2_header_end:

// ------------------------------------------------------------------ 32-bit code

    .section .text.boot, "ax"
    .code32
    .globl  pvh_start
pvh_start:
    mov     $PROTOCOL_PVH, %edi
    jmp     to_long_mode
    .globl  multiboot2_start
multiboot2_start:
    mov     $PROTOCOL_NONE, %edi
    cmp     $0x36d76289, %eax
    jne     to_long_mode
    mov     $PROTOCOL_MULTIBOOT2, %edi

to_long_mode:
    cld
    mov     %ebx, %esi                  // information
    mov     $PHYSICAL(main_stack + STACK_GUARD_SIZE + MAIN_STACK_SIZE), %esp

    mov     $0x80000000, %eax           // long mode and no-execute, or there is no way to go on
    cpuid
    cmp     $0x80000001, %eax
    jb      no_long_mode
    mov     $0x80000001, %eax
    cpuid
    and     $0x20100000, %edx           // LM, NX
    cmp     $0x20100000, %edx
    jne     no_long_mode

    // Page directories: entry i of 2048 maps 2 MiB at i * 2 MiB.
    mov     $PHYSICAL(boot_directories), %ebx
    xor     %ecx, %ecx
1:  mov     %ecx, %eax
    shl     $21, %eax
    or      $0x83, %eax                 // present, writable, large
    mov     %eax, (%ebx, %ecx, 8)
    inc     %ecx
    cmp     $(512 * BOOT_MAPPED_GIB), %ecx
    jb      1b

    // Low and direct map: the four directories. Image: the first two, at the end.
    mov     $PHYSICAL(boot_directories + 3), %eax
    mov     $PHYSICAL(boot_pointers), %ebx
    xor     %ecx, %ecx
2:  mov     %eax, (%ebx, %ecx, 8)
    add     $4096, %eax
    inc     %ecx
    cmp     $BOOT_MAPPED_GIB, %ecx
    jb      2b
    movl    $PHYSICAL(boot_directories + 3), PHYSICAL(boot_image_pointers + 8 * 510)
    movl    $PHYSICAL(boot_directories + 4096 + 3), PHYSICAL(boot_image_pointers + 8 * 511)
    movl    $PHYSICAL(boot_pointers + 3), PHYSICAL(boot_root)
    movl    $PHYSICAL(boot_pointers + 3), PHYSICAL(boot_root + 8 * 256)
    movl    $PHYSICAL(boot_image_pointers + 3), PHYSICAL(boot_root + 8 * 511)

    mov     %cr4, %eax
    or      $0x20, %eax                 // PAE
    mov     %eax, %cr4
    mov     $PHYSICAL(boot_root), %eax
    mov     %eax, %cr3
    mov     $0xc0000080, %ecx           // EFER: LME, NXE
    rdmsr
    or      $0x900, %eax
    wrmsr
    mov     %cr0, %eax
    or      $0x80010033, %eax           // PG, WP, NE, ET, MP, PE
    and     $0x9fffffff, %eax           // not CD, NW
    and     $~0xc, %eax                 // not EM, TS
    mov     %eax, %cr0
    lgdt    PHYSICAL(boot_gdt_pointer)
    ljmp    $8, $PHYSICAL(long_mode)

    // Says so on the serial port, and stops.
no_long_mode:
    mov     $PHYSICAL(no_long_mode_message), %ebx
3:  mov     $0x3fd, %edx
4:  in      %dx, %al
    test    $0x20, %al
    jz      4b
    mov     (%ebx), %al
    test    %al, %al
    jz      5f
    mov     $0x3f8, %edx
    out     %al, %dx
    inc     %ebx
    jmp     3b
5:  hlt
    jmp     5b

    .code64
long_mode:
    movabs  $high_half, %rax
    jmp     *%rax
high_half:
    mov     $16, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    xor     %eax, %eax
    mov     %eax, %fs
    mov     %eax, %gs
    lea     main_stack + STACK_GUARD_SIZE + MAIN_STACK_SIZE(%rip), %rsp
    xor     %ebp, %ebp                  // ends backtraces
    mov     %edi, %edi                  // clear the upper halves
    mov     %esi, %esi
    call    start
    ud2

    .section .rodata.boot, "a", @progbits
no_long_mode_message:
    .asciz  "ashlar: this CPU lacks long mode or no-execute pages\r\n"
    .balign 8
boot_gdt:
    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
    .short  23
    .quad   PHYSICAL(boot_gdt)

    .section .bss.boot, "aw", @nobits
    .balign 4096
boot_root:
    .skip   4096
boot_pointers:
    .skip   4096
boot_image_pointers:
    .skip   4096
boot_directories:
    .skip   4096 * BOOT_MAPPED_GIB

    .section .note.GNU-stack, "", @progbits
