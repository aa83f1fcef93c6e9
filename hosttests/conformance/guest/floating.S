#include "conformance.h"
main:
    la s0, numbers
    fld fa0, 0(s0)              # 1
    fld fa1, 8(s0)              # 3
    CASE(2, a0, 0x3fd5555555555555, fdiv.d fa2, fa0, fa1; fmv.x.d a0, fa2)
    CASE(3, a0, 1, frflags a0)
    CASE(4, a0, 0x3fd5555555555556, fdiv.d fa2, fa0, fa1, rup; fmv.x.d a0, fa2)
    CASE(5, a0, 0x3ffbb67ae8584caa, fsqrt.d fa2, fa1; fmv.x.d a0, fa2)
    CASE(6, a0, 0x4010000000000000, fmadd.d fa2, fa0, fa1, fa0; fmv.x.d a0, fa2)
    CASE(7, a0, 0xffffffff80000000, fld fa3, 16(s0); fcvt.w.d a0, fa3, rtz)
    CASE(8, a0, 0x10, fsflags zero; fcvt.wu.d a0, fa3, rtz; frflags a0)
    CASE(9, a0, 0x7fc00000, fcvt.d.w fa4, zero; fadd.s fa5, fa4, fa4; fmv.x.w a0, fa5)
    CASE(10, a0, 0xffffffffbf800000, li a1, -1; fcvt.s.w fa4, a1; fmv.x.w a0, fa4)
    CASE(11, a0, 0xffffffffbf800000, fmv.x.d a0, fa4)
    CASE(12, a0, 1, flt.d a0, fa0, fa1)
    CASE(13, a0, 0x200, fcvt.d.w fa4, zero; fdiv.d fa4, fa4, fa4; fclass.d a0, fa4)
    CASE(14, a0, 0x3ff0000000000000, fmin.d fa5, fa4, fa0; fmv.x.d a0, fa5)
    j pass
    .data
    .balign 8
numbers: .double 1.0, 3.0, -1e10
