// For programs of native VMs on aarch64: hypercalls (lib/vm_abi.h) by number.
#define VERSION 0
#define CONSOLE_WRITE 1
#define CONSOLE_READ 2
#define TIME_NOW 3
#define TIMER_SET 4
#define BLOCK_INFO 5
#define BLOCK_READ 6
#define BLOCK_WRITE 7
#define BLOCK_FLUSH 8
#define POWER_OFF 9
#define CRASH 10
#define STATISTICS 11
#define PRIVATE_BASE 0x4000000000
#define IMAGE_BASE 0xffffa00000000000

.macro hypercall number, first=0, second=0, third=0, fourth=0
    mov     x0, #\number
    ldr     x1, =\first
    ldr     x2, =\second
    ldr     x3, =\third
    ldr     x4, =\fourth
    hvc     #0
.endm

// Has the entry tables lead to guest-physical `address` at IMAGE_BASE + 512 MiB, 2 MiB of it; x0 becomes that place.
.macro map_at_512m address
    mrs     x0, ttbr1_el1
    ldr     x1, =(PRIVATE_BASE - IMAGE_BASE)    // where the tables themselves are mapped
    sub     x0, x0, x1
    ldr     x1, =(\address + 0x701)
    add     x0, x0, #0x2000
    str     x1, [x0, #0x800]                    // the directory's entry 256
    dsb     ish
    tlbi    vmalle1
    dsb     ish
    isb
    ldr     x0, =(IMAGE_BASE + 0x20000000)
.endm

// Ends the VM with the number unless the condition holds.
.macro check number, condition
    b.\condition 9f
    mov     x1, #\number
    mov     x0, #POWER_OFF
    hvc     #0
9:
.endm
