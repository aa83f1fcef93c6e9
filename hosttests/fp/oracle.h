// What the test and the riscv64 program that computes its expectations say to each other.
#pragma once

#include <stdint.h>

enum {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kSquareRoot,
    kMultiplyAdd,
    kMultiplySubtract,
    kNegatedMultiplySubtract,
    kNegatedMultiplyAdd,
    kLessEqual,
    kLess,
    kEqual,
    kMin,
    kMax,
    kSignCopy,
    kSignNegate,
    kSignXor,
    kClassify,
    kToWord,
    kToUnsignedWord,
    kToLong,
    kToUnsignedLong,
    kFromWord,
    kFromUnsignedWord,
    kFromLong,
    kFromUnsignedLong,
    kToOther, /* fcvt.d.s or fcvt.s.d */
    kOperations
};

struct Request {
    uint32_t operation;
    uint16_t is_double, rounding;
    uint64_t a, b, c; /* register bits */
};
struct Reply {
    uint64_t value, flags;
};
