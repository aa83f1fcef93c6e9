// Tries every instruction and register by which a VM might reach the machine, in ring 0 and ring 3. Each must fault as
// on a CPU that has no such thing; a process in ring 3 must not even be able to end its VM.
    .globl  _start
_start:
    jmp     start
#include "hosttests/guests/exceptions.h"

.macro msr_faults number, msr
    probe   \number, GENERAL_PROTECTION, "mov $\msr, %ecx; rdmsr"
    probe   \number, GENERAL_PROTECTION, "mov $\msr, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr"
.endm
// An MSR that is the VM's own: keeps a value across an exit.
.macro msr_is_own number, msr, high, low
    probe   \number, NOTHING, "mov $\msr, %ecx; mov $\low, %eax; mov $\high, %edx; wrmsr"
    hypercall 0
    probe   \number, NOTHING, "mov $\msr, %ecx; rdmsr"
    cmp     $\low, %eax
    expect  e
    cmp     $\high, %edx
    expect  e
.endm
start:
    call    set_up_exceptions
    // SVM
    probe   1, INVALID_OPCODE, "mov %cr3, %rax; vmrun %rax"
    probe   2, INVALID_OPCODE, "mov %cr3, %rax; vmload %rax"
    probe   3, INVALID_OPCODE, "mov %cr3, %rax; vmsave %rax"
    probe   4, INVALID_OPCODE, "stgi"
    probe   5, INVALID_OPCODE, "clgi"
    probe   6, INVALID_OPCODE, "xor %eax, %eax; skinit %eax"
    probe   7, INVALID_OPCODE, "xor %ecx, %ecx; invlpga %rax, %ecx"
    // Others that this CPU does not offer
    probe   9, INVALID_OPCODE, "lea gdt(%rip), %rax; xor %ecx, %ecx; xor %edx, %edx; monitor %rax, %ecx, %edx"
    probe   10, INVALID_OPCODE, "xor %ecx, %ecx; mwait %eax, %ecx"
    probe   11, INVALID_OPCODE, "rsm"
    probe   12, GENERAL_PROTECTION, "xor %ecx, %ecx; rdpmc"
    probe   13, INVALID_OPCODE, "mov %dr0, %rax"
    probe   14, INVALID_OPCODE, "xor %eax, %eax; mov %rax, %dr3"
    // Caches: nobody else's data is lost.
    probe   15, NOTHING, "wbinvd"
    probe   16, NOTHING, "invd"
    // MSRs of the machine
    msr_faults 20, 0x1b         // APIC base
    msr_faults 21, 0x48         // speculation control
    msr_faults 22, 0x1d9        // debug control
    msr_faults 23, 0x2ff        // MTRR
    msr_faults 24, 0xc0000103   // TSC_AUX
    msr_faults 25, 0xc0010015   // HWCR
    msr_faults 26, 0xc0010114   // VM_CR
    msr_faults 27, 0xc0010117   // VM_HSAVE_PA
    msr_faults 28, 0x40000000
    msr_faults 29, 0xffffffff   // beyond the permission map
    probe   30, GENERAL_PROTECTION, "mov $0x10, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr" // TSC
    // MSRs of its own
    msr_is_own 31, 0xc0000081, 0x00180008, 0x11111111   // STAR
    msr_is_own 32, 0xc0000082, 0x00001234, 0x22222222   // LSTAR
    msr_is_own 33, 0xc0000084, 0x00000000, 0x00040700   // SFMASK
    msr_is_own 34, 0xc0000100, 0x00001234, 0x33333333   // FS base
    msr_is_own 35, 0xc0000101, 0x00001234, 0x44444444   // GS base
    msr_is_own 36, 0xc0000102, 0x00001234, 0x55555555   // kernel GS base
    msr_is_own 37, 0x176, 0x00001234, 0x66666666        // SYSENTER_EIP
    msr_is_own 38, 0x277, 0x00070406, 0x00010406        // PAT
    // EFER: no SVM to be seen, none to be had.
    probe   40, NOTHING, "mov $0xc0000080, %ecx; rdmsr"
    cmp     $0x500, %eax
    expect  e
    probe   41, GENERAL_PROTECTION, "mov $0xc0000080, %ecx; mov $0x1500, %eax; xor %edx, %edx; wrmsr"
    probe   42, GENERAL_PROTECTION, "mov $0xc0000080, %ecx; mov $0x400, %eax; xor %edx, %edx; wrmsr"
    probe   43, NOTHING, "mov $0xc0000080, %ecx; mov $0xd01, %eax; xor %edx, %edx; wrmsr"
    probe   44, NOTHING, "mov $0xc0000080, %ecx; rdmsr"
    cmp     $0xd01, %eax
    expect  e
    // CPUID
    probe   50, NOTHING, "mov $0x40000000, %eax; cpuid"
    cmp     $0x6c687341, %ebx   // "Ashl"
    expect  e
    probe   51, NOTHING, "mov $0x80000001, %eax; cpuid"
    test    $4, %ecx            // SVM
    expect  z
    probe   52, NOTHING, "mov $1, %eax; cpuid"
    mov     %ecx, %r14d
    test    $0x08000000, %ecx   // OSXSAVE, which is not on yet
    expect  z
    probe   53, INVALID_OPCODE, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv"
    test    $0x04000000, %r14d  // XSAVE
    jz      1f
    mov     %cr4, %rax
    or      $0x40600, %rax
    mov     %rax, %cr4
    probe   54, NOTHING, "mov $1, %eax; cpuid"
    test    $0x08000000, %ecx
    expect  nz
    probe   55, GENERAL_PROTECTION, "xor %ecx, %ecx; xor %eax, %eax; xor %edx, %edx; xsetbv"
    probe   56, GENERAL_PROTECTION, "mov $1, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv"
    probe   57, GENERAL_PROTECTION, "xor %ecx, %ecx; mov $5, %eax; xor %edx, %edx; xsetbv"
    // What CPUID offers is accepted; it takes the space that CPUID says.
    probe   58, NOTHING, "mov $0xd, %eax; xor %ecx, %ecx; cpuid; mov %ecx, %r13d"
    probe   59, NOTHING, "xor %ecx, %ecx; xsetbv"
    probe   60, NOTHING, "mov $0xd, %eax; xor %ecx, %ecx; cpuid"
    cmp     %ebx, %r13d
    expect  e
    user_probe 61, GENERAL_PROTECTION, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv"
1:  // Ring 3
    user_probe 70, GENERAL_PROTECTION, "mov $0x3f8, %edx; in %dx, %al"
    user_probe 71, GENERAL_PROTECTION, "out %al, $0xf4"
    user_probe 72, GENERAL_PROTECTION, "hlt"
    user_probe 73, GENERAL_PROTECTION, "mov $0xc0000080, %ecx; rdmsr"
    user_probe 74, GENERAL_PROTECTION, "wbinvd"
    user_probe 75, GENERAL_PROTECTION, "mov %cr3, %rax"
    user_probe 76, GENERAL_PROTECTION, "mov %dr0, %rax"
    user_probe 77, GENERAL_PROTECTION, "clgi"
    user_probe 78, GENERAL_PROTECTION, "mov $0x10, %ecx; rdpmc"
    user_probe 80, USER_RETURN, "mov $1, %eax; cpuid"
    user_probe 81, USER_RETURN, "mov $9, %eax; xor %edi, %edi; vmmcall; mov %rax, %r14" // PowerOff
    cmp     $5, %r14            // Denied
    expect  e
    user_probe 83, DEBUG, "pushfq; orq $0x100, (%rsp); popfq; nop"
    mov     %cr0, %rax
    or      $0x40000, %rax      // AM
    mov     %rax, %cr0
    user_try 84, "pushfq; orq $0x40000, (%rsp); popfq; mov gdt + 1(%rip), %eax"
    cmpl    $USER_RETURN, seen(%rip) // an emulator that checks no alignment
    je      1f
    cmpl    $ALIGNMENT_CHECK, seen(%rip)
    expect  e
    cmpq    $0, error_code(%rip)
    expect  e
1:  hypercall POWER_OFF, 0
