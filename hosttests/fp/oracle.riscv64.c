/* Runs under qemu-riscv64: executes the instruction that each request on standard input names and answers on
   standard output with the result register and fflags. */
#include <unistd.h>

#include "oracle.h"

#define LOAD "fld ft0, %2\n fld ft1, %3\n fld ft2, %4\n fsflags x0\n"
#define TO_F(instruction)                                                                                    \
    do {                                                                                                     \
        asm volatile(LOAD instruction "\n fsd ft3, %0\n frflags %1"                                          \
                     : "=m"(out.value), "=r"(out.flags)                                                      \
                     : "m"(in->a), "m"(in->b), "m"(in->c)                                                    \
                     : "ft0", "ft1", "ft2", "ft3");                                                          \
        return out;                                                                                          \
    } while (0)
#define TO_X(instruction)                                                                                    \
    do {                                                                                                     \
        asm volatile(LOAD instruction "\n sd t0, %0\n frflags %1"                                            \
                     : "=m"(out.value), "=r"(out.flags)                                                      \
                     : "m"(in->a), "m"(in->b), "m"(in->c)                                                    \
                     : "ft0", "ft1", "ft2", "t0");                                                           \
        return out;                                                                                          \
    } while (0)
#define FROM_X(instruction)                                                                                  \
    do {                                                                                                     \
        asm volatile("ld t0, %2\n fsflags x0\n" instruction "\n fsd ft3, %0\n frflags %1"                    \
                     : "=m"(out.value), "=r"(out.flags)                                                      \
                     : "m"(in->a)                                                                            \
                     : "ft3", "t0");                                                                         \
        return out;                                                                                          \
    } while (0)

#define COMMON(S)                                                                                            \
    case kAdd: TO_F("fadd." S " ft3, ft0, ft1");                                                             \
    case kSubtract: TO_F("fsub." S " ft3, ft0, ft1");                                                        \
    case kMultiply: TO_F("fmul." S " ft3, ft0, ft1");                                                        \
    case kDivide: TO_F("fdiv." S " ft3, ft0, ft1");                                                          \
    case kSquareRoot: TO_F("fsqrt." S " ft3, ft0");                                                          \
    case kMultiplyAdd: TO_F("fmadd." S " ft3, ft0, ft1, ft2");                                               \
    case kMultiplySubtract: TO_F("fmsub." S " ft3, ft0, ft1, ft2");                                          \
    case kNegatedMultiplySubtract: TO_F("fnmsub." S " ft3, ft0, ft1, ft2");                                  \
    case kNegatedMultiplyAdd: TO_F("fnmadd." S " ft3, ft0, ft1, ft2");                                       \
    case kLessEqual: TO_X("fle." S " t0, ft0, ft1");                                                         \
    case kLess: TO_X("flt." S " t0, ft0, ft1");                                                              \
    case kEqual: TO_X("feq." S " t0, ft0, ft1");                                                             \
    case kMin: TO_F("fmin." S " ft3, ft0, ft1");                                                             \
    case kMax: TO_F("fmax." S " ft3, ft0, ft1");                                                             \
    case kSignCopy: TO_F("fsgnj." S " ft3, ft0, ft1");                                                       \
    case kSignNegate: TO_F("fsgnjn." S " ft3, ft0, ft1");                                                    \
    case kSignXor: TO_F("fsgnjx." S " ft3, ft0, ft1");                                                       \
    case kClassify: TO_X("fclass." S " t0, ft0");                                                            \
    case kToWord: TO_X("fcvt.w." S " t0, ft0, dyn");                                                         \
    case kToUnsignedWord: TO_X("fcvt.wu." S " t0, ft0, dyn");                                                \
    case kToLong: TO_X("fcvt.l." S " t0, ft0, dyn");                                                         \
    case kToUnsignedLong: TO_X("fcvt.lu." S " t0, ft0, dyn");                                                \
    case kFromWord: FROM_X("fcvt." S ".w ft3, t0");                                                          \
    case kFromUnsignedWord: FROM_X("fcvt." S ".wu ft3, t0");                                                 \
    case kFromLong: FROM_X("fcvt." S ".l ft3, t0");                                                          \
    case kFromUnsignedLong: FROM_X("fcvt." S ".lu ft3, t0")

static struct Reply single(const struct Request* in) {
    struct Reply out = {0, 0};
    switch (in->operation) {
        COMMON("s");
    case kToOther: TO_F("fcvt.d.s ft3, ft0");
    }
    return out;
}

static struct Reply dbl(const struct Request* in) {
    struct Reply out = {0, 0};
    switch (in->operation) {
        COMMON("d");
    case kToOther: TO_F("fcvt.s.d ft3, ft0");
    }
    return out;
}

/* Reads until `size` bytes or the end of input. */
static size_t read_fully(void* to, size_t size) {
    size_t done = 0;
    while (done < size) {
        const ssize_t got = read(0, (char*)to + done, size - done);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

int main(void) {
    enum { kBatch = 4096 };
    static struct Request requests[kBatch];
    static struct Reply replies[kBatch];
    for (;;) {
        const size_t count = read_fully(requests, sizeof requests) / sizeof requests[0];
        for (size_t i = 0; i < count; ++i) {
            asm volatile("fsrm %0" : : "r"((uint64_t)requests[i].rounding));
            replies[i] = requests[i].is_double ? dbl(&requests[i]) : single(&requests[i]);
        }
        for (size_t done = 0; done < count * sizeof replies[0];) {
            const ssize_t put = write(1, (const char*)replies + done, count * sizeof replies[0] - done);
            if (put <= 0)
                return 1;
            done += (size_t)put;
        }
        if (count < kBatch)
            return 0;
    }
}
