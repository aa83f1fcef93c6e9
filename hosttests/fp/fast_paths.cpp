// The inline round-to-nearest operations and the integer fallback agree with the general ones, which
// against_qemu.cpp checks; and what has accrued in the host's FPU stays there until asked for.
#include "jit/fp_nearest.h"

#include <gtest/gtest.h>

#include "hosttests/fp/operands.h"

namespace ashlar::jit::fp::test {

namespace {

struct Outcome {
    std::uint64_t value, flags;
    bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* stream) {
    *stream << std::hex << outcome.value << " flags " << outcome.flags;
}

// Runs an operation that leaves exceptions in the host's FPU.
template <class Operation>
Outcome deferred(Operation operation) {
    std::uint64_t flags = 0;
    start_accruing();
    const std::uint64_t value = operation(flags);
    accrue(flags);
    start_accruing();
    return {value, flags};
}
template <class Operation>
Outcome direct(Operation operation) {
    std::uint64_t flags = 0;
    const std::uint64_t value = operation(flags);
    return {value, flags};
}

template <class F>
constexpr bool kIsDouble = std::is_same_v<F, Double>;

template <class F>
Outcome general(Arithmetic op, std::uint64_t a, std::uint64_t b) {
    return direct([&](std::uint64_t& flags) {
        return (kIsDouble<F> ? arithmetic_d : arithmetic_s)(op, a, b, Rounding::NearestEven, flags);
    });
}

template <class F>
class FpFastPaths : public testing::Test {};
using Formats = testing::Types<Single, Double>;
TYPED_TEST_SUITE(FpFastPaths, Formats);

constexpr Rounding kHostModes[] = {Rounding::NearestEven, Rounding::TowardZero, Rounding::Down, Rounding::Up};

} // namespace

TYPED_TEST(FpFastPaths, nearest_arithmetic_agrees) {
    using F = TypeParam;
    for (const std::uint64_t a : corner_operands(kIsDouble<F>)) {
        ASSERT_EQ(deferred([&](auto&) { return nearest::square_root<F>(a); }),
                  general<F>(Arithmetic::SquareRoot, a, 0));
        for (const std::uint64_t b : corner_operands(kIsDouble<F>)) {
            ASSERT_EQ(deferred([&](auto&) { return nearest::add<F>(a, b); }),
                      general<F>(Arithmetic::Add, a, b));
            ASSERT_EQ(deferred([&](auto&) { return nearest::subtract<F>(a, b); }),
                      general<F>(Arithmetic::Subtract, a, b));
            ASSERT_EQ(deferred([&](auto&) { return nearest::multiply<F>(a, b); }),
                      general<F>(Arithmetic::Multiply, a, b));
            ASSERT_EQ(deferred([&](auto&) { return nearest::divide<F>(a, b); }),
                      general<F>(Arithmetic::Divide, a, b));
        }
    }
}

TYPED_TEST(FpFastPaths, nearest_fused_agrees) {
    using F = TypeParam;
    const auto operands = few_operands(kIsDouble<F>);
    for (const std::uint64_t a : operands)
        for (const std::uint64_t b : operands)
            for (const std::uint64_t c : operands)
                for (const Fused op : {Fused::MultiplyAdd, Fused::NegatedMultiplySubtract})
                    ASSERT_EQ(deferred([&](auto& flags) { return nearest::fused<F>(op, a, b, c, flags); }),
                              direct([&](auto& flags) {
                                  return (kIsDouble<F> ? fused_d : fused_s)(op, a, b, c,
                                                                            Rounding::NearestEven, flags);
                              }));
}

TYPED_TEST(FpFastPaths, truncation_agrees) {
    using F = TypeParam;
    const auto expected = [](Integer type, std::uint64_t a) {
        return direct([&](auto& flags) {
            return (kIsDouble<F> ? to_integer_d : to_integer_s)(type, a, Rounding::TowardZero, flags);
        });
    };
    for (const std::uint64_t a : corner_operands(kIsDouble<F>)) {
        ASSERT_EQ(deferred([&](auto& flags) { return truncate<F, std::int32_t>(a, flags); }),
                  expected(Integer::Word, a));
        ASSERT_EQ(deferred([&](auto& flags) { return truncate<F, std::int64_t>(a, flags); }),
                  expected(Integer::Long, a));
    }
}

TYPED_TEST(FpFastPaths, conversion_from_long_agrees) {
    using F = TypeParam;
    for (const std::uint64_t x : corner_integers())
        ASSERT_EQ(deferred([&](auto&) { return nearest::from_long<F>(x); }), direct([&](auto& flags) {
                      return (kIsDouble<F> ? from_integer_d : from_integer_s)(Integer::Long, x,
                                                                              Rounding::NearestEven, flags);
                  }));
}

TEST(FpFastPathsBetweenFormats, conversion_agrees) {
    for (const std::uint64_t a : corner_operands(false))
        ASSERT_EQ(deferred([&](auto&) { return nearest::single_to_double(a); }),
                  direct([&](auto& flags) { return single_to_double(a, flags); }));
    for (const std::uint64_t a : corner_operands(true))
        ASSERT_EQ(deferred([&](auto&) { return nearest::double_to_single(a); }),
                  direct([&](auto& flags) { return double_to_single(a, Rounding::NearestEven, flags); }));
}

TYPED_TEST(FpFastPaths, integer_fused_agrees_with_the_instruction) {
    using F = TypeParam;
    if (!arch::fpu::has_fused_multiply_add())
        GTEST_SKIP() << "this host has no FMA instruction";
    OperandGenerator generator(7);
    for (int i = 0; i < 200'000; ++i) {
        const std::uint64_t a = generator.next(kIsDouble<F>), b = generator.next(kIsDouble<F>),
                            c = generator.next(kIsDouble<F>);
        for (const Rounding mode : kHostModes)
            ASSERT_EQ(direct([&](auto& flags) {
                          return F::to_register(exact::fused<F>(F::from_register(a), F::from_register(b),
                                                                F::from_register(c), mode, flags));
                      }),
                      direct([&](auto& flags) {
                          return (kIsDouble<F> ? fused_d : fused_s)(Fused::MultiplyAdd, a, b, c, mode, flags);
                      }))
                << std::hex << a << " " << b << " " << c << " mode " << static_cast<int>(mode);
    }
}

TYPED_TEST(FpFastPaths, integer_division_agrees_with_the_instruction) {
    using F = TypeParam;
    OperandGenerator generator(8);
    for (int i = 0; i < 50'000; ++i) {
        const std::uint64_t a = generator.next(kIsDouble<F>), b = generator.next(kIsDouble<F>);
        for (const Rounding mode : kHostModes)
            ASSERT_EQ(direct([&](auto& flags) {
                          return F::to_register(
                              exact::divide<F>(F::from_register(a), F::from_register(b), mode, flags));
                      }),
                      direct([&](auto& flags) {
                          return (kIsDouble<F> ? arithmetic_d : arithmetic_s)(Arithmetic::Divide, a, b, mode,
                                                                              flags);
                      }));
    }
}

TEST(FpAccrual, general_operations_leave_what_has_accrued) {
    // Given an inexact operation on the fast path
    start_accruing();
    nearest::divide<Double>(Double::kOne, Double::from_host(3));
    // When an operation in another rounding mode raises something else
    std::uint64_t flags = 0;
    arithmetic_d(Arithmetic::Divide, Double::kOne, 0, Rounding::Up, flags);
    // Then each has raised only its own
    EXPECT_EQ(flags, kDivideByZero);
    std::uint64_t accrued = 0;
    accrue(accrued);
    EXPECT_EQ(accrued, kInexact);
    // And starting again forgets
    start_accruing();
    accrued = 0;
    accrue(accrued);
    EXPECT_EQ(accrued, 0u);
}

TEST(FpAccrual, operations_add_to_the_flags) {
    std::uint64_t flags = kInvalid;
    arithmetic_d(Arithmetic::Divide, Double::kOne, Double::from_host(3), Rounding::NearestEven, flags);
    EXPECT_EQ(flags, kInvalid | kInexact);
}

} // namespace ashlar::jit::fp::test
