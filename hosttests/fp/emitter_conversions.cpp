// FloatEmitter's conversions and moves, in the manner of emitter.cpp.
#include <gtest/gtest.h>

#include <initializer_list>

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
constexpr Integer kIntegers[] = {Integer::Word, Integer::UnsignedWord, Integer::Long, Integer::UnsignedLong};

} // namespace

TEST(FloatEmitter, conversions_to_integers) {
    for (const HostFeatures& features : feature_sets())
        for (const Precision precision : kPrecisions)
            for (const Integer type : kIntegers)
                for (const std::uint8_t rounding : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 4, 7})
                    for (const Layout& layout : kLayouts) {
                        SCOPED_TRACE(testing::Message() << layout.name << " to " << static_cast<int>(type)
                                                        << " rounding " << unsigned{rounding});
                        Generated code(features);
                        const bool done = code.assemble(
                            layout, false, [&](FloatEmitter& e, const Xbyak::Xmm&, Source a, Source, Source) {
                                return e.to_integer(type, precision, rounding,
                                                    Xbyak::Reg64(Xbyak::Operand::RDX), a);
                            });
                        ASSERT_EQ(done, rounding == 7 || rounding == 1 || (rounding != 4 && features.sse41));
                        if (!done)
                            continue;
                        const auto expected = [&](const Operands& of, Rounding mode, U& flags) {
                            if (rounding != kDynamic)
                                mode = static_cast<Rounding>(rounding);
                            return (is_double(precision) ? to_integer_d : to_integer_s)(type, of[0], mode,
                                                                                        flags);
                        };
                        Counts counts;
                        for (const Rounding mode : kHostModes)
                            for (const U a : corner_operands(is_double(precision)))
                                ASSERT_NO_FATAL_FAILURE(check(code, {a, 0, 0}, mode, true, expected, counts));
                        EXPECT_LT(counts.slow, counts.all / 4 * 3); // most corners are out of range
                    }
}

TEST(FloatEmitter, conversions_from_integers) {
    for (const HostFeatures& features : feature_sets())
        for (const Precision precision : kPrecisions)
            for (const Integer type : kIntegers) {
                Generated code(features);
                ASSERT_TRUE(code.assemble(kLayouts[0], false,
                                          [&](FloatEmitter& e, const Xbyak::Xmm& d, Source, Source, Source) {
                                              return e.from_integer(type, precision, kDynamic, d,
                                                                    Xbyak::Reg64(Xbyak::Operand::RCX));
                                          }));
                const auto expected = [&](const Operands& of, Rounding mode, U& flags) {
                    return (is_double(precision) ? from_integer_d : from_integer_s)(type, of[0], mode, flags);
                };
                Counts counts;
                for (const Rounding mode : kHostModes)
                    for (const U x : corner_integers())
                        ASSERT_NO_FATAL_FAILURE(check(code, {x, 0, 0}, mode, false, expected, counts));
                EXPECT_EQ(counts.slow != 0, type == Integer::UnsignedLong);
            }
}

TEST(FloatEmitter, conversions_between_precisions) {
    for (const HostFeatures& features : feature_sets())
        for (const Layout& layout : kLayouts) {
            Generated widen(features), narrow(features);
            ASSERT_TRUE(widen.assemble(layout, false,
                                       [&](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source, Source) {
                                           return e.widen(kDynamic, d, a);
                                       }));
            ASSERT_TRUE(narrow.assemble(layout, false,
                                        [&](FloatEmitter& e, const Xbyak::Xmm& d, Source a, Source, Source) {
                                            return e.narrow(kDynamic, d, a);
                                        }));
            Counts counts;
            for (const Rounding mode : kHostModes) {
                for (const U a : corner_operands(false))
                    ASSERT_NO_FATAL_FAILURE(check(
                        widen, {a, 0, 0}, mode, false,
                        [](const Operands& of, Rounding, U& flags) { return single_to_double(of[0], flags); },
                        counts));
                counts.slow = 0;
                for (const U a : corner_operands(true))
                    ASSERT_NO_FATAL_FAILURE(check(
                        narrow, {a, 0, 0}, mode, false,
                        [](const Operands& of, Rounding used, U& flags) {
                            return double_to_single(of[0], used, flags);
                        },
                        counts));
                EXPECT_EQ(counts.slow, 0u);
            }
        }
}

TEST(FloatEmitter, moves_of_bits) {
    for (const HostFeatures& features : feature_sets())
        for (const Precision precision : kPrecisions)
            for (const Layout& layout : kLayouts) {
                Generated to(features), from(features);
                to.assemble(layout, false, [&](FloatEmitter& e, const Xbyak::Xmm&, Source a, Source, Source) {
                    e.to_bits(precision, Xbyak::Reg64(Xbyak::Operand::RDX), a);
                    return true;
                });
                from.assemble(layout, false,
                              [&](FloatEmitter& e, const Xbyak::Xmm& d, Source, Source, Source) {
                                  e.from_bits(precision, d, Xbyak::Reg64(Xbyak::Operand::RCX));
                                  return true;
                              });
                for (const U x : corner_integers()) {
                    const auto low = static_cast<std::int32_t>(x);
                    EXPECT_EQ(to.run(Rounding::NearestEven, {x, 0, 0}).integer,
                              is_double(precision) ? x : static_cast<U>(std::int64_t{low}));
                    EXPECT_EQ(from.run(Rounding::NearestEven, {x, 0, 0}).value,
                              is_double(precision) ? x : x | 0xffffffff00000000);
                }
            }
}

} // namespace ashlar::jit::fp::test
