// F and D through the engine: which operation each instruction is, NaN boxing, rounding mode, flags, FS. What
// the operations compute at all their corners is tested with jit/fp.h and by the fuzz against QEMU.
#include "hosttests/semantics/single_step.h"

#include <bit>
#include <cmath>

#include "jit/fp.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;
using riscv64::Cause;

constexpr unsigned kDynamic = 7, kSingle = 0, kDouble = 1;
constexpr U kBox = 0xffffffff00000000, kCanonicalSingle = kBox | 0x7fc00000,
            kCanonicalDouble = 0x7ff8000000000000;

U bits(double value) {
    return std::bit_cast<U>(value);
}
U bits(float value) {
    return kBox | std::bit_cast<std::uint32_t>(value);
}

std::uint32_t op_fp(unsigned funct5, unsigned format, unsigned rm, unsigned rd, unsigned rs1, unsigned rs2) {
    return assemble::r(0x53, rm, funct5 << 2 | format, rd, rs1, rs2);
}
std::uint32_t fused(unsigned opcode, unsigned format, unsigned rd, unsigned rs1, unsigned rs2, unsigned rs3) {
    return assemble::r(opcode, kDynamic, rs3 << 2 | format, rd, rs1, rs2);
}

// Values whose sums, products and quotients round, overflow or vanish.
constexpr double kValues[] = {0.0, -0.0, 1.0, -1.0, 1.5, 0.1, 3.0, -7.25, 1e10, 1e-10, 123456.789, -2.5e-3};

// Runs an instruction on f6, f7 (and f8) and returns f5.
U compute(SingleStep& machine, std::uint32_t instruction, U a, U b, U c = 0) {
    machine.state().f[6] = a;
    machine.state().f[7] = b;
    machine.state().f[8] = c;
    EXPECT_TRUE(machine.run(instruction)) << std::hex << instruction;
    return machine.state().f[5];
}

template <class T>
void check_arithmetic(unsigned format) {
    SingleStep machine;
    const auto run = [&](unsigned funct5, T a, T b) {
        return compute(machine, op_fp(funct5, format, kDynamic, 5, 6, 7), bits(a), bits(b));
    };
    for (const double left : kValues)
        for (const double right : kValues) {
            const T a = static_cast<T>(left), b = static_cast<T>(right);
            EXPECT_EQ(run(0x00, a, b), bits(static_cast<T>(a + b)));
            EXPECT_EQ(run(0x01, a, b), bits(static_cast<T>(a - b)));
            EXPECT_EQ(run(0x02, a, b), bits(static_cast<T>(a * b)));
            if (b != 0) {
                EXPECT_EQ(run(0x03, a, b), bits(static_cast<T>(a / b)));
            }
            for (const double third : kValues) {
                const T c = static_cast<T>(third);
                const auto run_fused = [&](unsigned opcode) {
                    return compute(machine, fused(opcode, format, 5, 6, 7, 8), bits(a), bits(b), bits(c));
                };
                EXPECT_EQ(run_fused(0x43), bits(static_cast<T>(std::fma(a, b, c))));
                EXPECT_EQ(run_fused(0x47), bits(static_cast<T>(std::fma(a, b, -c))));
                EXPECT_EQ(run_fused(0x4b), bits(static_cast<T>(std::fma(-a, b, c))));
                EXPECT_EQ(run_fused(0x4f), bits(static_cast<T>(std::fma(-a, b, -c))));
            }
        }
    EXPECT_EQ(compute(machine, op_fp(0x0b, format, kDynamic, 5, 6, 0), bits(T{2}), 0), bits(std::sqrt(T{2})));
}

TEST(Semantics, SinglePrecisionArithmetic) {
    check_arithmetic<float>(kSingle);
}
TEST(Semantics, DoublePrecisionArithmetic) {
    check_arithmetic<double>(kDouble);
}

TEST(Semantics, SinglesThatAreNotBoxedCountAsNan) {
    SingleStep machine;
    const U one = bits(1.0f), unboxed = 0x3f800000;
    EXPECT_EQ(compute(machine, op_fp(0x00, kSingle, kDynamic, 5, 6, 7), one, unboxed), kCanonicalSingle);
    EXPECT_EQ(compute(machine, op_fp(0x04, kSingle, 0, 5, 6, 7), one, unboxed), one); // fsgnj.s
    EXPECT_EQ(compute(machine, op_fp(0x04, kSingle, 0, 5, 6, 7), unboxed, one), kCanonicalSingle);
    // Moves and stores take the bits as they are.
    machine.state().f[6] = unboxed;
    ASSERT_TRUE(machine.run(op_fp(0x1c, kSingle, 0, 5, 6, 0))); // fmv.x.w
    EXPECT_EQ(machine.state().x[5], unboxed);
}

TEST(Semantics, NanResultsAreCanonical) {
    SingleStep machine;
    EXPECT_EQ(compute(machine, op_fp(0x00, kDouble, kDynamic, 5, 6, 7), 0xfff8000000000123, bits(1.0)),
              kCanonicalDouble);
    EXPECT_EQ(compute(machine, op_fp(0x03, kDouble, kDynamic, 5, 6, 7), bits(0.0), bits(0.0)),
              kCanonicalDouble);
    EXPECT_EQ(compute(machine, op_fp(0x01, kSingle, kDynamic, 5, 6, 7), bits(float{INFINITY}),
                      bits(float{INFINITY})),
              kCanonicalSingle);
}

TEST(Semantics, SignInjection) {
    SingleStep machine;
    for (const U a : {bits(1.0), bits(-1.0), U{0x7ff8000000000000}, U{0xfff0000000000001}})
        for (const U b : {bits(2.0), bits(-2.0)}) {
            const U sign = b & U{1} << 63, rest = a & ~(U{1} << 63);
            EXPECT_EQ(compute(machine, op_fp(0x04, kDouble, 0, 5, 6, 7), a, b), rest | sign);
            EXPECT_EQ(compute(machine, op_fp(0x04, kDouble, 1, 5, 6, 7), a, b), rest | (sign ^ U{1} << 63));
            EXPECT_EQ(compute(machine, op_fp(0x04, kDouble, 2, 5, 6, 7), a, b), a ^ sign);
        }
}

TEST(Semantics, MinimumAndMaximum) {
    SingleStep machine;
    const auto run = [&](unsigned funct3, U a, U b) {
        machine.state().fflags = 0;
        return compute(machine, op_fp(0x05, kDouble, funct3, 5, 6, 7), a, b);
    };
    constexpr U kSignaling = 0x7ff0000000000001;
    EXPECT_EQ(run(0, bits(-0.0), bits(0.0)), bits(-0.0));
    EXPECT_EQ(run(0, bits(0.0), bits(-0.0)), bits(-0.0));
    EXPECT_EQ(run(1, bits(-0.0), bits(0.0)), bits(0.0));
    EXPECT_EQ(run(0, kCanonicalDouble, bits(1.0)), bits(1.0));
    EXPECT_EQ(machine.state().fflags, 0u);
    EXPECT_EQ(run(1, bits(1.0), kSignaling), bits(1.0));
    EXPECT_EQ(machine.state().fflags, fp::kInvalid);
    EXPECT_EQ(run(1, kCanonicalDouble, kCanonicalDouble), kCanonicalDouble);
}

TEST(Semantics, ComparisonsAndTheirInvalidFlag) {
    SingleStep machine;
    const auto run = [&](unsigned funct3, U a, U b) {
        machine.state().fflags = 0;
        machine.state().f[6] = a;
        machine.state().f[7] = b;
        EXPECT_TRUE(machine.run(op_fp(0x14, kDouble, funct3, 5, 6, 7)));
        return machine.state().x[5];
    };
    for (const double a : kValues)
        for (const double b : kValues) {
            EXPECT_EQ(run(0, bits(a), bits(b)), U{a <= b});
            EXPECT_EQ(run(1, bits(a), bits(b)), U{a < b});
            EXPECT_EQ(run(2, bits(a), bits(b)), U{a == b});
        }
    EXPECT_EQ(run(2, kCanonicalDouble, bits(1.0)), 0u); // feq is quiet
    EXPECT_EQ(machine.state().fflags, 0u);
    EXPECT_EQ(run(0, kCanonicalDouble, bits(1.0)), 0u); // fle is not
    EXPECT_EQ(machine.state().fflags, fp::kInvalid);
    EXPECT_EQ(run(2, 0x7ff0000000000001, bits(1.0)), 0u);
    EXPECT_EQ(machine.state().fflags, fp::kInvalid);
}

TEST(Semantics, Classification) {
    // In the order of the result's bits.
    const U kClasses[] = {
        bits(-double{INFINITY}), bits(-1.0), 0x8000000000000001,     bits(-0.0),         bits(0.0),
        0x000fffffffffffff,      bits(1.0),  bits(double{INFINITY}), 0x7ff0000000000001, 0x7ff8000000000000};
    SingleStep machine;
    for (unsigned bit = 0; bit < std::size(kClasses); ++bit) {
        machine.state().f[6] = kClasses[bit];
        ASSERT_TRUE(machine.run(op_fp(0x1c, kDouble, 1, 5, 6, 0)));
        EXPECT_EQ(machine.state().x[5], U{1} << bit);
    }
    machine.state().f[6] = 0x3f800000; // not boxed: a quiet NaN
    ASSERT_TRUE(machine.run(op_fp(0x1c, kSingle, 1, 5, 6, 0)));
    EXPECT_EQ(machine.state().x[5], U{1} << 9);
}

struct Conversion {
    double value;
    U word, unsigned_word, wide, unsigned_wide; // toward zero
};
constexpr U kMaximum = 0x7fffffffffffffff, kMinimum = 0x8000000000000000, kOnes = ~U{0};
constexpr U kMaximumWord = 0x7fffffff, kMinimumWord = 0xffffffff80000000;

constexpr Conversion kConversions[] = {
    {0.0, 0, 0, 0, 0},
    {1.75, 1, 1, 1, 1},
    {-0.75, 0, 0, 0, 0},
    {-1.75, kOnes, 0, kOnes, 0},
    {2147483647.0, kMaximumWord, 0x7fffffff, 0x7fffffff, 0x7fffffff},
    {2147483648.0, kMaximumWord, kMinimumWord, 0x80000000, 0x80000000},
    {4294967295.0, kMaximumWord, kOnes, 0xffffffff, 0xffffffff},
    {4294967296.0, kMaximumWord, kOnes, 0x100000000, 0x100000000},
    {-2147483648.0, kMinimumWord, 0, kMinimumWord, 0},
    {-2147483649.0, kMinimumWord, 0, U{0xffffffff7fffffff}, 0},
    {9223372036854775808.0, kMaximumWord, kOnes, kMaximum, kMinimum},
    {18446744073709551616.0, kMaximumWord, kOnes, kMaximum, kOnes},
    {-9223372036854775808.0, kMinimumWord, 0, kMinimum, 0},
    {-1e30, kMinimumWord, 0, kMinimum, 0},
};

TEST(Semantics, ConversionsToIntegersSaturate) {
    SingleStep machine;
    const auto run = [&](unsigned type, U value) {
        machine.state().f[6] = value;
        EXPECT_TRUE(machine.run(op_fp(0x18, kDouble, 1, 5, 6, type)));
        return machine.state().x[5];
    };
    for (const Conversion& c : kConversions) {
        EXPECT_EQ(run(0, bits(c.value)), c.word) << c.value;
        EXPECT_EQ(run(1, bits(c.value)), c.unsigned_word) << c.value;
        EXPECT_EQ(run(2, bits(c.value)), c.wide) << c.value;
        EXPECT_EQ(run(3, bits(c.value)), c.unsigned_wide) << c.value;
    }
    EXPECT_EQ(run(0, kCanonicalDouble), kMaximumWord);
    EXPECT_EQ(run(1, kCanonicalDouble), kOnes);
    EXPECT_EQ(run(2, kCanonicalDouble), kMaximum);
    EXPECT_EQ(run(3, kCanonicalDouble), kOnes);
}

TEST(Semantics, ConversionsFromIntegers) {
    SingleStep machine;
    for (const U value : kCorners) {
        machine.state().x[6] = value;
        const auto run = [&](unsigned format, unsigned type) {
            EXPECT_TRUE(machine.run(op_fp(0x1a, format, kDynamic, 5, 6, type)));
            return machine.state().f[5];
        };
        EXPECT_EQ(run(kDouble, 0), bits(static_cast<double>(static_cast<std::int32_t>(value))));
        EXPECT_EQ(run(kDouble, 1), bits(static_cast<double>(static_cast<std::uint32_t>(value))));
        EXPECT_EQ(run(kDouble, 2), bits(static_cast<double>(static_cast<std::int64_t>(value))));
        EXPECT_EQ(run(kDouble, 3), bits(static_cast<double>(value)));
        EXPECT_EQ(run(kSingle, 0), bits(static_cast<float>(static_cast<std::int32_t>(value))));
        EXPECT_EQ(run(kSingle, 1), bits(static_cast<float>(static_cast<std::uint32_t>(value))));
        EXPECT_EQ(run(kSingle, 2), bits(static_cast<float>(static_cast<std::int64_t>(value))));
        EXPECT_EQ(run(kSingle, 3), bits(static_cast<float>(value)));
    }
}

TEST(Semantics, ConversionsBetweenPrecisionsAndMoves) {
    SingleStep machine;
    EXPECT_EQ(compute(machine, op_fp(0x08, kSingle, kDynamic, 5, 6, 1), bits(0.1), 0),
              bits(0.1f)); // fcvt.s.d
    EXPECT_EQ(compute(machine, op_fp(0x08, kDouble, 0, 5, 6, 0), bits(0.1f), 0),
              bits(static_cast<double>(0.1f)));
    for (const U value : kCorners) {
        machine.state().x[6] = value;
        ASSERT_TRUE(machine.run(op_fp(0x1e, kSingle, 0, 5, 6, 0))); // fmv.w.x
        EXPECT_EQ(machine.state().f[5], kBox | (value & 0xffffffff));
        ASSERT_TRUE(machine.run(op_fp(0x1e, kDouble, 0, 5, 6, 0))); // fmv.d.x
        EXPECT_EQ(machine.state().f[5], value);
        machine.state().f[6] = value;
        ASSERT_TRUE(machine.run(op_fp(0x1c, kDouble, 0, 5, 6, 0))); // fmv.x.d
        EXPECT_EQ(machine.state().x[5], value);
        ASSERT_TRUE(machine.run(op_fp(0x1c, kSingle, 0, 5, 6, 0))); // fmv.x.w sign-extends
        EXPECT_EQ(machine.state().x[5], static_cast<U>(std::int64_t{static_cast<std::int32_t>(value)}));
    }
}

TEST(Semantics, LoadsBoxAndStoresTakeTheLowBits) {
    SingleStep machine;
    machine.state().x[6] = SingleStep::kData;
    machine.guest().put(SingleStep::kData, U{0x1122334455667788});
    ASSERT_TRUE(machine.run(assemble::i(0x07, 2, 5, 6, 0))); // flw
    EXPECT_EQ(machine.state().f[5], kBox | 0x55667788);
    ASSERT_TRUE(machine.run(assemble::i(0x07, 3, 5, 6, 0))); // fld
    EXPECT_EQ(machine.state().f[5], 0x1122334455667788u);
    machine.state().f[7] = 0xaabbccddeeff0011;
    ASSERT_TRUE(machine.run(assemble::store(2, 7, 6, 0) | 4)); // fsw
    EXPECT_EQ(machine.guest().get<U>(SingleStep::kData), 0x11223344eeff0011u);
    ASSERT_TRUE(machine.run(assemble::store(3, 7, 6, 0) | 4)); // fsd
    EXPECT_EQ(machine.guest().get<U>(SingleStep::kData), 0xaabbccddeeff0011u);
}

TEST(Semantics, RoundingModesStaticAndDynamic) {
    // 1 + 2^-60 lies just above 1, -1 - 2^-60 just below -1.
    const double tiny = 0x1p-60, above = std::nextafter(1.0, 2.0), below = std::nextafter(-1.0, -2.0);
    const struct {
        unsigned mode;
        double positive, negative;
    } kModes[] = {{0, 1.0, -1.0}, {1, 1.0, -1.0}, {2, 1.0, below}, {3, above, -1.0}, {4, 1.0, -1.0}};
    SingleStep machine;
    for (const auto& mode : kModes) {
        machine.state().frm = (mode.mode + 1) % 5; // a static mode does not look at it
        EXPECT_EQ(compute(machine, op_fp(0, kDouble, mode.mode, 5, 6, 7), bits(1.0), bits(tiny)),
                  bits(mode.positive));
        machine.state().frm = mode.mode;
        EXPECT_EQ(compute(machine, op_fp(0, kDouble, kDynamic, 5, 6, 7), bits(1.0), bits(tiny)),
                  bits(mode.positive));
        EXPECT_EQ(compute(machine, op_fp(0, kDouble, kDynamic, 5, 6, 7), bits(-1.0), bits(-tiny)),
                  bits(mode.negative));
    }
}

TEST(Semantics, ReservedRoundingModesAreIllegal) {
    SingleStep machine;
    for (const unsigned mode : {5u, 6u}) {
        EXPECT_FALSE(machine.run(op_fp(0, kDouble, mode, 5, 6, 7)));
        EXPECT_EQ(machine.cause(), static_cast<U>(Cause::IllegalInstruction));
    }
    for (const unsigned mode : {5u, 6u, 7u}) {
        machine.state().frm = mode;
        EXPECT_FALSE(machine.run(op_fp(0, kDouble, kDynamic, 5, 6, 7)));
        EXPECT_FALSE(machine.run(op_fp(0x08, kDouble, kDynamic, 5, 6, 0))); // fcvt.d.s, though exact
        EXPECT_TRUE(machine.run(op_fp(0, kDouble, 0, 5, 6, 7)));
        EXPECT_TRUE(machine.run(op_fp(0x04, kDouble, 0, 5, 6, 7))); // fsgnj has none
    }
}

TEST(Semantics, FlagsAccrue) {
    SingleStep machine;
    machine.state().fflags = 0;
    compute(machine, op_fp(0x03, kDouble, kDynamic, 5, 6, 7), bits(1.0), bits(0.0));
    EXPECT_EQ(machine.state().fflags, fp::kDivideByZero);
    compute(machine, op_fp(0x03, kDouble, kDynamic, 5, 6, 7), bits(1.0), bits(3.0));
    EXPECT_EQ(machine.state().fflags, fp::kDivideByZero | fp::kInexact);
    compute(machine, op_fp(0x02, kDouble, kDynamic, 5, 6, 7), bits(1e300), bits(1e300));
    EXPECT_EQ(machine.state().fflags, fp::kDivideByZero | fp::kInexact | fp::kOverflow);
    compute(machine, op_fp(0x02, kDouble, kDynamic, 5, 6, 7), bits(1e-300), bits(1e-300));
    EXPECT_EQ(machine.state().fflags, fp::kDivideByZero | fp::kInexact | fp::kOverflow | fp::kUnderflow);
    // Read and cleared through the CSR.
    ASSERT_TRUE(machine.run(assemble::csrrw(5, 0x001, 0)));
    EXPECT_EQ(machine.state().x[5], 15u);
    EXPECT_EQ(machine.state().fflags, 0u);
    machine.state().x[6] = 0xff;
    ASSERT_TRUE(machine.run(assemble::csrrw(0, 0x003, 6))); // fcsr
    EXPECT_EQ(machine.state().fflags, 31u);
    EXPECT_EQ(machine.state().frm, 7u);
}

TEST(Semantics, FloatingPointIsIllegalWhenOff) {
    SingleStep machine;
    machine.state().control.mstatus = 0;
    for (const std::uint32_t instruction :
         {op_fp(0, kDouble, 0, 5, 6, 7), assemble::i(0x07, 3, 5, 6, 0), assemble::store(3, 7, 6, 0) | 4,
          op_fp(0x1c, kDouble, 0, 5, 6, 0), assemble::csrrs(5, 0x003, 0), assemble::csrrs(5, 0x001, 0)}) {
        EXPECT_FALSE(machine.run(instruction)) << std::hex << instruction;
        EXPECT_EQ(machine.cause(), static_cast<U>(Cause::IllegalInstruction));
    }
    // Initial becomes Dirty with the first write.
    machine.state().control.mstatus = 0x2000;
    ASSERT_TRUE(machine.run(op_fp(0x1e, kDouble, 0, 5, 6, 0)));
    EXPECT_EQ(machine.state().control.mstatus & 0x6000, 0x6000u);
}

} // namespace

} // namespace ashlar::jit::test
