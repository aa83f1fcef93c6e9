// Entry as a Linux Image (Linux, Documentation/arch/arm64/booting.rst): x0 = physical address of the device tree,
// MMU and data cache off, at EL2 or EL1, loaded at any multiple of 2 MiB. Builds tables that map the image at its
// physical and its virtual address and the device tree in the direct map, turns the MMU on and calls
// start(device tree, image, exception level). At EL1 that much is done to say why it goes no further.
#include "arch/aarch64/memory_layout.h"

#define BLOCK 0x701             // valid, normal memory (attributes 0), inner shareable, accessed
#define AP1 0x40                // RES1 at EL2; at EL1 it would open the block to EL0
#define TABLE 3
#define MAIR 0x04ff             // 0: write-back, 1: Device-nGnRE
#define TCR_WALKS 0x3510        // T0SZ 16 (48 bits), walks inner shareable and write-back, granule of 4 KiB
#define TCR_EL2_RES1 0x80800000
#define TCR_EL1_EPD1 0x800000
#define HCR_EL2_HOST 0x80000038 // RW; AMO, IMO, FMO: exceptions come to EL2; E2H off
#define SCTLR_EL2_ON 0x30c5183d // RES1, I, SA, C, A off, M; no WXN yet
#define SCTLR_EL1_ON 0x30d0181d

    .section .text.header, "ax"
header:
    b       entry
    .long   0
    .quad   0                   // offset from the multiple of 2 MiB
    .quad   image_bytes
    .quad   0xa                 // little-endian, pages of 4 KiB, anywhere in memory
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

// Forgets what caches hold of the boot tables: they are written past them.
.macro  forget_boot_tables
    adrp    x0, boot_tables_begin
    adrp    x1, boot_tables_end
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2
    dsb     sy
1:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    1b
    dsb     sy
.endm

// entry `index` of `table` = value (all registers); clobbers x9
.macro  set_entry table, index, value
    adrp    x9, \table
    str     \value, [x9, \index, lsl #3]
.endm
// Likewise a pointer to a table; clobbers x10, too.
.macro  set_table table, index, next
    adrp    x10, \next
    orr     x10, x10, #TABLE
    set_entry \table, \index, x10
.endm
// to = the index of `address` in a table whose entries translate 2^shift bytes
.macro  index_of to, address, shift
    ubfx    \to, \address, #\shift, #9
.endm

    .section .text.boot, "ax"
entry:
    mov     x20, x0             // device tree
    adrp    x21, header         // image
    mrs     x22, CurrentEL
    lsr     x22, x22, #2
    cmp     x22, #3
    b.eq    park
    mov     x23, #BLOCK
    cmp     x22, #2
    b.ne    1f
    orr     x23, x23, #AP1
1:  forget_boot_tables
    adrp    x0, boot_tables_begin
    adrp    x1, boot_tables_end
2:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    2b

    // The image, at its physical address: one set of tables for identity and direct map.
    index_of x0, x21, 39
    set_table boot_root, x0, boot_physical_level3
    add     x0, x0, #(DIRECT_MAP_BASE >> 39)
    set_table boot_root, x0, boot_physical_level3
    index_of x0, x21, 30
    set_table boot_physical_level3, x0, boot_physical_level2
    index_of x0, x21, 21
    orr     x1, x21, x23
    set_entry boot_physical_level2, x0, x1
    // At its virtual one.
    mov     x0, #(IMAGE_VIRTUAL_BASE >> 39)
    set_table boot_root, x0, boot_image_level3
    mov     x0, #0
    set_table boot_image_level3, x0, boot_image_level2
    set_entry boot_image_level2, x0, x1
    // The device tree, at most 2 MiB, which may begin anywhere in a block.
    index_of x0, x20, 30
    index_of x2, x21, 30
    adrp    x3, boot_physical_level2
    cmp     x0, x2
    b.eq    3f
    set_table boot_physical_level3, x0, boot_tree_level2
    adrp    x3, boot_tree_level2
3:  lsr     x1, x20, #IMAGE_BLOCK_SHIFT
    lsl     x1, x1, #IMAGE_BLOCK_SHIFT
    index_of x0, x20, 21
    orr     x1, x1, x23
    str     x1, [x3, x0, lsl #3]
    cmp     x0, #511            // what reaches into another gibibyte stays out of reach
    b.eq    4f
    add     x0, x0, #1
    add     x1, x1, #(1 << IMAGE_BLOCK_SHIFT)
    str     x1, [x3, x0, lsl #3]
4:  forget_boot_tables

    mov     x0, #MAIR
    mov     x1, #TCR_WALKS
    mrs     x2, id_aa64mmfr0_el1
    and     x2, x2, #0xf        // width of physical addresses: 5 is 48 bits, more needs other tables
    mov     x3, #5
    cmp     x2, x3
    csel    x2, x3, x2, hi
    adrp    x3, boot_root
    ldr     x4, =virtual_entry
    cmp     x22, #2
    b.ne    at_el1

    ldr     x5, =HCR_EL2_HOST
    msr     hcr_el2, x5
    isb
    orr     x1, x1, x2, lsl #16
    ldr     x5, =TCR_EL2_RES1
    orr     x1, x1, x5
    msr     mair_el2, x0
    msr     tcr_el2, x1
    msr     ttbr0_el2, x3
    ldr     x5, =exception_vectors
    msr     vbar_el2, x5
    ic      iallu
    tlbi    alle2
    dsb     nsh
    isb
    ldr     x5, =SCTLR_EL2_ON
    msr     sctlr_el2, x5
    isb
    br      x4

at_el1:
    orr     x1, x1, x2, lsl #32
    ldr     x5, =TCR_EL1_EPD1
    orr     x1, x1, x5
    msr     mair_el1, x0
    msr     tcr_el1, x1
    msr     ttbr0_el1, x3
    ic      iallu
    tlbi    vmalle1
    dsb     nsh
    isb
    ldr     x5, =SCTLR_EL1_ON
    msr     sctlr_el1, x5
    isb
    br      x4

park:
    wfe
    b       park

// On the tables, at the address that the image is linked for.
virtual_entry:
    ldr     x0, =bss_begin
    ldr     x1, =bss_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    // The program runs on SP_EL0; exceptions, overflows of that stack among them, have one of their own.
    ldr     x0, =exception_stack_top
    mov     sp, x0
    msr     spsel, #0
    ldr     x0, =main_stack_top
    mov     sp, x0
    mov     x0, x20
    mov     x1, x21
    mov     x2, x22
    mov     x29, #0
    mov     x30, #0
    bl      start
    b       park
    .ltorg

// Stacks, each with a guard page below that the final tables leave out.
    .section .stacks, "aw", @nobits
    .balign 4096
    .globl  main_stack_guard, main_stack_top, exception_stack_guard, exception_stack_top
main_stack_guard:
    .skip   STACK_GUARD_SIZE + MAIN_STACK_SIZE
main_stack_top:
exception_stack_guard:
    .skip   STACK_GUARD_SIZE + EXCEPTION_STACK_SIZE
exception_stack_top:

// Levels as lib/page_table.h counts them: 4 is the root, 1 has the pages.
    .section .boot_tables, "aw", @nobits
    .balign 4096
    .globl  boot_physical_level2, boot_image_level2
boot_root:
    .skip   4096
boot_physical_level3:
    .skip   4096
boot_physical_level2:
    .skip   4096
boot_tree_level2:
    .skip   4096
boot_image_level3:
    .skip   4096
boot_image_level2:
    .skip   4096

    .section .note.GNU-stack, "", @progbits
