// For programs of native VMs: hypercalls (lib/vm_abi.h) by number.
#define CONSOLE_WRITE 1
#define CONSOLE_READ 2
#define TIMER_SET 4
#define BLOCK_INFO 5
#define BLOCK_READ 6
#define POWER_OFF 9
#define STATISTICS 11
#define PRIVATE_BASE 0x4000000000
#define IMAGE_BASE 0xffffa00000000000

.macro hypercall number, first=0, second=0, third=0, fourth=0
    mov     $\number, %eax
    movabs  $\first, %rdi
    movabs  $\second, %rsi
    movabs  $\third, %rdx
    movabs  $\fourth, %r10
    vmmcall
.endm

// Has the entry tables lead to guest-physical `address` at IMAGE_BASE + 512 MiB, 2 MiB of it.
.macro map_at_512m address
    mov     %cr3, %rax
    movabs  $(PRIVATE_BASE - IMAGE_BASE), %rbx      // where the tables themselves are mapped
    sub     %rbx, %rax
    movabs  $(\address + 0x83), %rcx
    mov     %rcx, 0x2800(%rax)                      // the directory's entry 256
    mov     %cr3, %rcx
    mov     %rcx, %cr3
.endm
