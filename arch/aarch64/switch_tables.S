// switch_tables(root, control, code): makes EL2 translate by other tables and sets SCTLR_EL2. Tables that map the
// same address in another size must never be live at the same time (Arm ARM, section D8.16: TLB conflicts): the MMU
// is off in between. `code` is the physical address of switch_tables_code, which uses no memory and is mapped there
// by both.
    .section .text.identity, "ax"
    .balign 64
    .globl  switch_tables_code
switch_tables_code:                 // x0 root, x1 control, x3 control with the MMU off
    dsb     sy
    msr     sctlr_el2, x3
    isb
    msr     ttbr0_el2, x0
    isb
    tlbi    alle2
    dsb     nsh
    isb
    msr     sctlr_el2, x1
    isb
    ret

    .section .text.switch_tables, "ax"
    .globl  switch_tables
switch_tables:
    mrs     x3, sctlr_el2
    bic     x3, x3, #1
    br      x2                      // returns to the caller, whose address both map

    .section .note.GNU-stack, "", @progbits
