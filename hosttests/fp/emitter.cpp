// What FloatEmitter emits computes what jit/fp.h says, with the same exceptions, or asks for the handler and
// leaves its operands alone: for operands in registers and in memory, with every instruction set.
#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "hosttests/fp/generated.h"
#include "hosttests/fp/operands.h"

namespace ashlar::jit::fp::test {

namespace {

using ir::Precision;
using x86_64::FloatEmitter;
using x86_64::HostFeatures;
using Source = Generated::Source;
using Operands = Generated::Operands;
using U = std::uint64_t;

constexpr std::uint8_t kDynamic = ir::kDynamicRounding;
bool is_boxed(U bits) {
    return bits >> 32 == 0xffffffff;
}

// Two operands each: all pairs of corners in the first layout, fewer in the others.
template <class Emit, class Expected>
void check_pairs(Precision precision, bool integer, Emit emit, Expected expected) {
    for (const HostFeatures& features : feature_sets()) {
        Generated code(features);
        for (const Layout& layout : kLayouts) {
            SCOPED_TRACE(testing::Message() << layout.name << " avx " << features.avx);
            ASSERT_TRUE(code.assemble(layout, false, emit));
            const bool first = &layout == kLayouts;
            const auto operands =
                first ? corner_operands(is_double(precision)) : few_operands(is_double(precision));
            Counts counts;
            for (const Rounding mode : kHostModes)
                for (const U a : operands)
                    for (const U b : operands)
                        ASSERT_NO_FATAL_FAILURE(check(code, {a, b, 0}, mode, integer, expected, counts));
            if (is_double(precision)) {
                EXPECT_EQ(counts.slow, 0u);
            }
        }
    }
}

} // namespace

TEST(FloatEmitter, arithmetic) {
    for (const Precision precision : kPrecisions)
        for (const auto operation : {Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply,
                                     Arithmetic::Divide, Arithmetic::SquareRoot}) {
            SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(operation));
            check_pairs(
                precision, false,
                [&](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source b, Source) {
                    return e.arithmetic(operation, precision, kDynamic, d, a, b);
                },
                [&](const Operands& of, Rounding mode, U& flags) {
                    return (is_double(precision) ? arithmetic_d : arithmetic_s)(operation, of[0], of[1], mode,
                                                                                flags);
                });
        }
}

TEST(FloatEmitter, comparisons) {
    for (const Precision precision : kPrecisions)
        for (const auto operation : {Compare::LessEqual, Compare::Less, Compare::Equal})
            check_pairs(
                precision, true,
                [&](FloatEmitter& e, const Xbyak::Xmm&, Source a, Source b, Source) {
                    e.compare(operation, precision, Xbyak::Reg64(Xbyak::Operand::RDX), a, b);
                    return true;
                },
                [&](const Operands& of, Rounding, U& flags) {
                    return (is_double(precision) ? compare_d : compare_s)(operation, of[0], of[1], flags);
                });
}

TEST(FloatEmitter, minimum_and_maximum) {
    for (const Precision precision : kPrecisions)
        for (const bool maximum : {false, true})
            check_pairs(
                precision, false,
                [&](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source b, Source) {
                    maximum ? e.maximum(precision, d, a, b) : e.minimum(precision, d, a, b);
                    return true;
                },
                [&](const Operands& of, Rounding, U& flags) {
                    if (is_double(precision))
                        return (maximum ? max_d : min_d)(of[0], of[1], flags);
                    return (maximum ? max_s : min_s)(of[0], of[1], flags);
                });
}

TEST(FloatEmitter, sign_injection) {
    for (const Precision precision : kPrecisions)
        for (const auto operation : {SignInjection::Copy, SignInjection::Negate, SignInjection::Xor})
            check_pairs(
                precision, false,
                [&](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source b, Source) {
                    e.sign(operation, precision, d, a, b);
                    return true;
                },
                [&](const Operands& of, Rounding, U&) {
                    return (is_double(precision) ? sign_inject_d : sign_inject_s)(operation, of[0], of[1]);
                });
}

TEST(FloatEmitter, fused) {
    for (const Precision precision : kPrecisions)
        for (const auto operation : {Fused::MultiplyAdd, Fused::MultiplySubtract,
                                     Fused::NegatedMultiplySubtract, Fused::NegatedMultiplyAdd})
            for (const Layout& layout : kLayouts) {
                SCOPED_TRACE(testing::Message() << layout.name << " " << static_cast<int>(operation));
                Generated code(HostFeatures::detect());
                const bool done = code.assemble(
                    layout, false, [&](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source b, Source c) {
                        return e.fused(operation, precision, kDynamic, d, a, b, c);
                    });
                ASSERT_EQ(done, HostFeatures::detect().fma);
                if (!done)
                    return;
                const auto expected = [&](const Operands& of, Rounding mode, U& flags) {
                    return (is_double(precision) ? fused_d : fused_s)(operation, of[0], of[1], of[2], mode,
                                                                      flags);
                };
                const bool first = &layout == kLayouts;
                const auto operands = few_operands(is_double(precision));
                Counts counts;
                for (std::size_t i = 0; i < operands.size() * operands.size() * operands.size(); ++i) {
                    const U a = operands[i % operands.size()],
                            b = operands[i / operands.size() % operands.size()],
                            c = operands[i / operands.size() / operands.size()];
                    if (first)
                        for (const Rounding mode : kHostModes)
                            ASSERT_NO_FATAL_FAILURE(check(code, {a, b, c}, mode, false, expected, counts));
                    else
                        ASSERT_NO_FATAL_FAILURE(
                            check(code, {a, b, c}, kHostModes[i % 4], false, expected, counts));
                }
            }
}

// Operands that are known to be boxed are not looked at, those that are not leave to the handler.
TEST(FloatEmitter, boxing_decides_what_is_slow) {
    const auto emit = [](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source b, Source) {
        return e.arithmetic(Arithmetic::Add, Precision::Single, kDynamic, d, a, b);
    };
    for (const Layout& layout : kLayouts) {
        Generated code(HostFeatures::detect());
        for (const bool known : {false, true}) {
            ASSERT_TRUE(code.assemble(layout, known, emit));
            for (const U a : few_operands(false))
                for (const U b : few_operands(false)) {
                    const Operands used = code.effective({a, b, 0});
                    EXPECT_EQ(code.run(Rounding::NearestEven, {a, b, 0}).slow,
                              !known && !(is_boxed(used[0]) && is_boxed(used[1])));
                }
        }
    }
}

// More than there is room to remember: some rare cases are emitted where they occur.
TEST(FloatEmitter, many_operations_between_cold_code) {
    constexpr unsigned kTimes = 150;
    Generated code(HostFeatures::detect());
    ASSERT_TRUE(code.assemble(kLayouts[0], false,
                              [](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source b, Source) {
                                  e.arithmetic(Arithmetic::Subtract, Precision::Double, kDynamic, d, a, a);
                                  for (unsigned i = 0; i < kTimes; ++i)
                                      e.arithmetic(Arithmetic::Add, Precision::Double, kDynamic, d, {d}, b);
                                  return true;
                              }));
    const auto run = [&](double a, double b) {
        return code.run(Rounding::NearestEven, {std::bit_cast<U>(a), std::bit_cast<U>(b), 0}).value;
    };
    EXPECT_EQ(run(1, 2), std::bit_cast<U>(2.0 * kTimes));
    EXPECT_EQ(run(std::numeric_limits<double>::infinity(), 2), 0x7ff8000000000000u);
}

} // namespace ashlar::jit::fp::test
