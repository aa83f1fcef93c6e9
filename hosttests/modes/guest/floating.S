/* mstatus.FS, the floating-point CSRs, and reserved rounding modes. */
#include "guest.h"

#define FS_INITIAL (1 << 13)
#define FS_CLEAN (2 << 13)

main:
    /* Off: everything is illegal */
    li t0, MSTATUS_FS
    csrc mstatus, t0
    la t1, frame0
    TRAPS(2, fadd.d ft0, ft0, ft0)
    TRAPS(2, fld ft0, (t1))
    TRAPS(2, fsd ft0, (t1))
    TRAPS(2, fmv.x.d t2, ft0)
    TRAPS(2, csrr t2, fcsr)
    TRAPS(2, csrw frm, x0)
    TRAPS(2, c.fldsp ft0, 0(sp))

    /* Reading leaves Clean; writing a register, flags or the mode makes Dirty */
    .macro set_clean
    li t0, MSTATUS_FS
    csrc mstatus, t0
    li t0, FS_CLEAN
    csrs mstatus, t0
    .endm
    set_clean
    fsd ft0, (t1)
    fmv.x.d t2, ft0
    fclass.d t2, ft0
    csrr t2, fcsr
    EXPECT_BITS(mstatus, MSTATUS_FS, FS_CLEAN)
    set_clean
    fld ft0, (t1)
    EXPECT_BITS(mstatus, MSTATUS_FS, MSTATUS_FS)
    EXPECT_BITS(sstatus, 1 << 63, 1 << 63)
    set_clean
    EXPECT_BITS(sstatus, 1 << 63, 0)
    fmv.d.x ft0, x0
    EXPECT_BITS(mstatus, MSTATUS_FS, MSTATUS_FS)
    set_clean
    csrw fflags, x0
    EXPECT_BITS(mstatus, MSTATUS_FS, MSTATUS_FS)
    /* In one block: clean, change, look, again and again */
    li t3, 20
1:  set_clean
    fadd.d ft0, ft0, ft0
    EXPECT_BITS(mstatus, MSTATUS_FS, MSTATUS_FS)
    addi t3, t3, -1
    bnez t3, 1b
    /* Switched off in the middle of a block */
    li t0, MSTATUS_FS
    la s1, 1f
    fadd.d ft0, ft0, ft0
    csrc mstatus, t0
    fadd.d ft0, ft0, ft0
    FAIL_HERE
1:  EXPECT(s2, 2)
    csrs mstatus, t0

    /* Flags accrue, and are read and cleared exactly */
    csrw fcsr, x0
    li t0, 1
    fcvt.d.l ft0, t0
    li t0, 3
    fcvt.d.l ft1, t0
    fdiv.d ft2, ft0, ft1
    csrr t2, fflags
    EXPECT(t2, 1)
    fcvt.d.l ft3, x0
    fdiv.d ft2, ft0, ft3
    csrr t2, fflags
    EXPECT(t2, 9)
    csrrw t2, fflags, x0
    EXPECT(t2, 9)
    fadd.d ft2, ft0, ft0
    csrr t2, fflags
    EXPECT(t2, 0)
    fsqrt.d ft2, ft0
    fneg.d ft2, ft0
    fsqrt.d ft2, ft2
    csrr t2, fcsr
    EXPECT(t2, 0x10)
    li t2, 2
    csrw fflags, t2
    fdiv.d ft2, ft0, ft1
    csrr t2, fflags
    EXPECT(t2, 3)

    /* The dynamic mode takes effect at once; the static one wins */
    csrw fcsr, x0
    csrwi frm, 3
    fdiv.d ft2, ft0, ft1, dyn
    fmv.x.d t2, ft2
    EXPECT(t2, 0x3FD5555555555556)
    csrwi frm, 1
    fdiv.d ft2, ft0, ft1, dyn
    fmv.x.d t2, ft2
    EXPECT(t2, 0x3FD5555555555555)
    fdiv.d ft2, ft0, ft1, rup
    fmv.x.d t2, ft2
    EXPECT(t2, 0x3FD5555555555556)

    /* A reserved dynamic mode is illegal where it is used, not where it is set */
    csrwi frm, 5
    fdiv.d ft2, ft0, ft1, rne
    TRAPS(2, fdiv.d ft2, ft0, ft1, dyn)
    EXPECT(s4, 0x1A107153)
    csrwi frm, 7
    TRAPS(2, fcvt.w.d t2, ft0, dyn)
    csrwi frm, 0
    TRAPS(2, .word 0x1A105153) /* fdiv.d with rm = 5 */
    fdiv.d ft2, ft0, ft1, dyn
    /* A trap keeps the accrued flags, and supervisors see them through FS too */
    la s1, 1f
    ENTER_S(supervisor)
1:  EXPECT(s2, 2)
    li t0, MSTATUS_FS
    csrs mstatus, t0
    csrr t2, fflags
    EXPECT(t2, 1)
    PASS
supervisor:
    csrr t2, fflags
    EXPECT(t2, 1)
    li t0, MSTATUS_FS
    csrc sstatus, t0
    csrr t2, fflags
    FAIL_HERE
