// The inline operations on the host's FPU agree with those in integers, which against_qemu.cpp checks, in
// every mode that the host has; and what has accrued in the FPU stays there until asked for.
#include "jit/fp_host.h"

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

constexpr Rounding kHostModes[] = {Rounding::NearestEven, Rounding::TowardZero, Rounding::Down, Rounding::Up};

// Runs an operation on the host's FPU, set to `mode`.
template <class Operation>
Outcome deferred(Rounding mode, Operation operation) {
    std::uint64_t flags = 0;
    start_accruing(static_cast<std::uint64_t>(mode));
    const std::uint64_t value = operation(flags);
    accrue(flags);
    start_accruing(0);
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
Outcome general(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding mode) {
    return direct([&](std::uint64_t& flags) {
        return (kIsDouble<F> ? arithmetic_d : arithmetic_s)(op, a, b, mode, flags);
    });
}

template <class F>
class FpOnHost : public testing::Test {
protected:
    static void expect_arithmetic_agrees(std::uint64_t a, std::uint64_t b, Rounding mode) {
        SCOPED_TRACE(testing::Message() << std::hex << a << " " << b << " mode " << static_cast<int>(mode));
        ASSERT_EQ(deferred(mode, [&](auto&) { return host::add<F>(a, b); }),
                  general<F>(Arithmetic::Add, a, b, mode));
        ASSERT_EQ(deferred(mode, [&](auto&) { return host::subtract<F>(a, b); }),
                  general<F>(Arithmetic::Subtract, a, b, mode));
        ASSERT_EQ(deferred(mode, [&](auto&) { return host::multiply<F>(a, b); }),
                  general<F>(Arithmetic::Multiply, a, b, mode));
        ASSERT_EQ(deferred(mode, [&](auto&) { return host::divide<F>(a, b); }),
                  general<F>(Arithmetic::Divide, a, b, mode));
        ASSERT_EQ(deferred(mode, [&](auto&) { return host::square_root<F>(a); }),
                  general<F>(Arithmetic::SquareRoot, a, 0, mode));
    }
    static void expect_fused_agrees(std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding mode) {
        for (const Fused op : {Fused::MultiplyAdd, Fused::NegatedMultiplySubtract, Fused::MultiplySubtract,
                               Fused::NegatedMultiplyAdd})
            ASSERT_EQ(deferred(mode, [&](auto& flags) { return host::fused<F>(op, a, b, c, mode, flags); }),
                      direct([&](auto& flags) {
                          return (kIsDouble<F> ? fused_d : fused_s)(op, a, b, c, mode, flags);
                      }))
                << std::hex << a << " " << b << " " << c << " mode " << static_cast<int>(mode);
    }
};
using Formats = testing::Types<Single, Double>;
TYPED_TEST_SUITE(FpOnHost, Formats);

} // namespace

TYPED_TEST(FpOnHost, arithmetic_agrees) {
    using F = TypeParam;
    const auto operands = corner_operands(kIsDouble<F>);
    for (const Rounding mode : kHostModes)
        for (const std::uint64_t a : operands)
            for (const std::uint64_t b : operands)
                this->expect_arithmetic_agrees(a, b, mode);
    OperandGenerator generator(7);
    for (int i = 0; i < 50'000; ++i)
        this->expect_arithmetic_agrees(generator.next(kIsDouble<F>), generator.next(kIsDouble<F>),
                                       kHostModes[i % 4]);
}

TYPED_TEST(FpOnHost, fused_agrees) {
    using F = TypeParam;
    const auto operands = few_operands(kIsDouble<F>);
    for (const Rounding mode : kHostModes)
        for (const std::uint64_t a : operands)
            for (const std::uint64_t b : operands)
                for (const std::uint64_t c : operands)
                    this->expect_fused_agrees(a, b, c, mode);
    OperandGenerator generator(8);
    for (int i = 0; i < 50'000; ++i)
        this->expect_fused_agrees(generator.next(kIsDouble<F>), generator.next(kIsDouble<F>),
                                  generator.next(kIsDouble<F>), kHostModes[i % 4]);
}

TYPED_TEST(FpOnHost, truncation_agrees) {
    using F = TypeParam;
    const auto expected = [](Integer type, std::uint64_t a) {
        return direct([&](auto& flags) {
            return (kIsDouble<F> ? to_integer_d : to_integer_s)(type, a, Rounding::TowardZero, flags);
        });
    };
    for (const Rounding mode : kHostModes) // which does not matter
        for (const std::uint64_t a : corner_operands(kIsDouble<F>)) {
            ASSERT_EQ(deferred(mode, [&](auto& flags) { return truncate<F, std::int32_t>(a, flags); }),
                      expected(Integer::Word, a));
            ASSERT_EQ(deferred(mode, [&](auto& flags) { return truncate<F, std::int64_t>(a, flags); }),
                      expected(Integer::Long, a));
        }
}

TYPED_TEST(FpOnHost, conversion_from_long_agrees) {
    using F = TypeParam;
    for (const Rounding mode : kHostModes)
        for (const std::uint64_t x : corner_integers())
            ASSERT_EQ(deferred(mode, [&](auto&) { return host::from_long<F>(x); }), direct([&](auto& flags) {
                          return (kIsDouble<F> ? from_integer_d : from_integer_s)(Integer::Long, x, mode,
                                                                                  flags);
                      }));
}

TEST(FpOnHostBetweenFormats, conversion_agrees) {
    for (const Rounding mode : kHostModes) {
        for (const std::uint64_t a : corner_operands(false))
            ASSERT_EQ(deferred(mode, [&](auto&) { return host::single_to_double(a); }),
                      direct([&](auto& flags) { return single_to_double(a, flags); }));
        for (const std::uint64_t a : corner_operands(true))
            ASSERT_EQ(deferred(mode, [&](auto&) { return host::double_to_single(a); }),
                      direct([&](auto& flags) { return double_to_single(a, mode, flags); }));
    }
}

TEST(FpAccrual, operations_in_integers_leave_the_host_alone) {
    // Given an inexact operation on the host
    start_accruing(0);
    host::divide<Double>(Double::kOne, Double::from_host(3));
    // When an operation in another rounding mode raises something else
    std::uint64_t flags = 0;
    arithmetic_d(Arithmetic::Divide, Double::kOne, 0, Rounding::Up, flags);
    // Then each has raised only its own
    EXPECT_EQ(flags, kDivideByZero);
    std::uint64_t accrued = 0;
    accrue(accrued);
    EXPECT_EQ(accrued, kInexact);
    // And starting again forgets
    start_accruing(0);
    accrued = 0;
    accrue(accrued);
    EXPECT_EQ(accrued, 0u);
}

TEST(FpAccrual, operations_add_to_the_flags) {
    std::uint64_t flags = kInvalid;
    arithmetic_d(Arithmetic::Divide, Double::kOne, Double::from_host(3), Rounding::NearestEven, flags);
    EXPECT_EQ(flags, kInvalid | kInexact);
}

TEST(FpAccrual, only_modes_of_the_host_are_current) {
    for (std::uint64_t frm = 0; frm < 8; ++frm)
        for (std::uint64_t mode = 0; mode < 5; ++mode)
            EXPECT_EQ(is_current(static_cast<Rounding>(mode), frm), mode == frm && mode < 4);
    // Reserved modes set the host to something harmless.
    for (std::uint64_t frm = 4; frm < 8; ++frm) {
        start_accruing(frm);
        EXPECT_EQ(host::divide<Double>(Double::kOne, Double::from_host(3)), 0x3FD5'5555'5555'5555u);
    }
    start_accruing(0);
}

} // namespace ashlar::jit::fp::test
