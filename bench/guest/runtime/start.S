# Entry of every guest kernel, in M-mode or in S-mode: the same image serves both.
# Everything is position-dependent at the linked address (0x80200000), paging is off.

    .section .text.start, "ax"
    .globl _start
_start:
    j begin
    .balign 8
    # At entry + 8. 0: the default of the kernel. tools/compare writes another number into copies of the file.
    .globl kernel_repeat_setting
kernel_repeat_setting:
    .quad 0

begin:
    la sp, stack_top
    la t0, in_supervisor_mode
    csrw stvec, t0
    csrr t1, mhartid            # an illegal instruction in S-mode, which arrives at stvec

    # M-mode: open PMP, let all counters be read below, allow floating point.
    la t0, trap_entry
    csrw mtvec, t0
    li t0, 0x2000               # mstatus.FS = Initial
    csrs mstatus, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f                 # NAPOT, read, write, execute
    csrw pmpcfg0, t0
    li t0, 7
    csrw mcounteren, t0
    csrw scounteren, t0
    la t0, kernel_wants_supervisor_mode
    lbu t0, (t0)
    li s0, 1
    beqz t0, common

    # The kernel works with S- and U-mode: delegate everything and go down.
    li t0, 0xb3ff
    csrw medeleg, t0
    li t0, 0x222
    csrw mideleg, t0
    li t0, 0x1800               # MPP = S
    csrc mstatus, t0
    li t0, 0x0800
    csrs mstatus, t0
    la t0, in_supervisor_mode
    csrw mepc, t0
    mret

    .balign 4
in_supervisor_mode:
    la t0, trap_entry
    csrw stvec, t0
    li t0, 0x2000               # sstatus.FS = Initial
    csrs sstatus, t0
    li t0, 7
    csrw scounteren, t0
    li s0, 0

common:
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, (t0)
    addi t0, t0, 8
    j 1b
2:  csrw fcsr, zero
    mv a0, s0
    call runtime_main
3:  wfi
    j 3b

    # Nothing should trap: report cause, address and value, and fail. A kernel with traps of its own
    # installs its own vector.
    .balign 4
trap_entry:
    la sp, stack_top
    la t0, running_in_machine_mode
    lbu t0, (t0)
    bnez t0, 1f
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    j 2f
1:  csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
2:  call unexpected_trap

    .section .bss
    .balign 16
    .skip 262144
stack_top:
