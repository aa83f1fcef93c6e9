// Interrupts come when they may and not before; every register keeps what this VM has put there, while others run.
    .globl  _start
_start:
    jmp     start
#include "hosttests/guests/exceptions.h"
#define TIMER_VECTOR 224
#define MILLISECONDS 1000000
#define TSC_HZ 40               // in BootInfo

// rax: the VM's time, in nanoseconds.
.macro time
    mov     $3, %eax
    vmmcall
    mov     %rdx, %rax
.endm
.macro wait_until time_register
8:  time
    cmp     \time_register, %rax
    jb      8b
.endm
// A timer interrupt that has been due for long; r14: changed.
.macro make_timer_due
    time
    lea     MILLISECONDS(%rax), %rdi
    lea     2*MILLISECONDS(%rax), %r14
    mov     $TIMER_SET, %eax
    vmmcall
    wait_until %r14
.endm

start:
    mov     TSC_HZ(%rdi), %r13
    rdtsc
    shl     $32, %rdx
    or      %rdx, %rax
    shr     $4, %rax
    mov     $99, %r15d
    cmp     %r13, %rax          // 16 seconds: the counter started with the VM
    ja      failed
    call    set_up_exceptions
    probe   1, NOTHING, "make_timer_due"
    probe   2, TIMER_VECTOR, "sti; nop; nop"
    mov     $5, %r15d
    time
    lea     2*MILLISECONDS(%rax), %rdi
    mov     %rdi, %r14
    mov     $TIMER_SET, %eax
    vmmcall
    probe   5, TIMER_VECTOR, "sti; hlt; nop"
    time
    cmp     %r14, %rax          // not before its time
    expect  ae

    // Now the registers, for long enough that other VMs run in between.
    mov     %cr4, %rax
    or      $0x600, %rax
    mov     %rax, %cr4
    rdtsc
    imul    $0x10dcd, %rax, %rbx
    time
    add     $(80*MILLISECONDS), %rax
    mov     %rax, end(%rip)
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    lea     \n(%rbx), %rax
    movq    %rax, %xmm\n
    .endr
    fninit
    mov     %ebx, %eax
    and     $0x0c00, %eax       // rounding
    or      $0x037f, %eax
    mov     %ax, control(%rip)
    fldcw   control(%rip)
    shl     $3, %eax
    and     $0x6000, %eax
    or      $0x1f80, %eax
    mov     %eax, mxcsr(%rip)
    ldmxcsr mxcsr(%rip)
    mov     %ebx, %eax
    and     $7, %eax            // a priority that no interrupt waits for: QEMU cannot change it while one does
    mov     %rax, %cr8
    .irp    msr, 0xc0000082, 0xc0000100, 0xc0000101, 0xc0000102, 0x175
    mov     $\msr, %ecx
    mov     %ebx, %eax
    xor     %edx, %edx
    wrmsr
    .endr
    lea     20(%rbx), %rax
    .irp    name, r8, r9, r10, r11, r12, r13, r14, rbp, rsi
    mov     %rax, %\name
    inc     %rax
    .endr
again:
    mov     $100000, %edi
1:  dec     %edi
    jnz     1b
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    mov     $(100 + \n), %r15d
    lea     \n(%rbx), %rax
    movq    %xmm\n, %rcx
    cmp     %rax, %rcx
    jne     failed
    .endr
    mov     $120, %r15d
    fnstcw  now(%rip)
    mov     now(%rip), %ax
    cmp     control(%rip), %ax
    jne     failed
    stmxcsr now(%rip)
    mov     now(%rip), %eax
    cmp     mxcsr(%rip), %eax
    jne     failed
    .irp    msr, 0xc0000082, 0xc0000100, 0xc0000101, 0xc0000102, 0x175
    inc     %r15d
    mov     $\msr, %ecx
    rdmsr
    cmp     %ebx, %eax
    jne     failed
    .endr
    mov     $130, %r15d
    mov     %cr8, %rax
    xor     %ebx, %eax
    test    $7, %eax
    jnz     failed
    mov     $131, %r15d
    lea     20(%rbx), %rax
    .irp    name, r8, r9, r10, r11, r12, r13, r14, rbp, rsi
    cmp     %rax, %\name
    jne     failed
    inc     %rax
    .endr
    time
    cmp     end(%rip), %rax
    jb      again
    hypercall POWER_OFF, 0

    .data
control:
    .short  0
mxcsr:
    .long   0
now:
    .quad   0
end:
    .quad   0
