// Every floating-point operation on corner operands, all in one block, compared with jit/fp.h.
#include "hosttests/semantics/float_guest.h"

#include <functional>

#include "jit/fp.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;

constexpr unsigned kDynamic = 7, kTowardZero = 1;
constexpr U kBox = 0xffffffff00000000;

// One block with every operation of a precision on f1, f2, f3 and x5, and what it must compute.
class EveryOperation {
public:
    explicit EveryOperation(bool is_double) : is_double_(is_double), format_(is_double ? 1 : 0) {
        append_float_results();
        append_integer_results();
    }

    void check(U a, U b, U c, U integer, unsigned mode) {
        riscv64::HartState& state = guest_.state();
        state.f[1] = a;
        state.f[2] = b;
        state.f[3] = c;
        state.x[5] = integer;
        state.frm = mode;
        state.fflags = 0;
        ASSERT_TRUE(guest_.run());
        U flags = 0;
        for (const Result& result : results_) {
            const U expected = result.compute({a, b, c, integer}, static_cast<fp::Rounding>(mode), flags);
            ASSERT_EQ(result.is_float ? state.f[result.rd] : state.x[result.rd], expected)
                << result.name << std::hex << " of " << a << " " << b << " " << c << " " << integer
                << " mode " << mode;
        }
        ASSERT_EQ(state.fflags, flags) << std::hex << a << " " << b << " " << c << " mode " << mode;
    }

private:
    struct Operands {
        U a, b, c, integer;
    };
    using Compute = std::function<U(const Operands&, fp::Rounding, U&)>;
    struct Result {
        const char* name;
        bool is_float;
        unsigned rd;
        Compute compute;
    };

    void add(const char* name, std::uint32_t instruction, bool is_float, Compute compute) {
        unsigned& next = is_float ? next_f_ : next_x_;
        guest_.append(instruction | next << 7);
        results_.push_back({name, is_float, next++, std::move(compute)});
    }
    void append_float_results();
    void append_integer_results();

    FloatGuest guest_;
    bool is_double_;
    unsigned format_, next_f_ = 4, next_x_ = 6;
    std::vector<Result> results_;
};

void EveryOperation::append_float_results() {
    const bool wide = is_double_;
    for (unsigned i = 0; i < 5; ++i)
        add("arithmetic", op_fp(i == 4 ? 0x0b : i, format_, kDynamic, 0, 1, i == 4 ? 0 : 2), true,
            [=](const Operands& of, fp::Rounding mode, U& flags) {
                return (wide ? fp::arithmetic_d : fp::arithmetic_s)(static_cast<fp::Arithmetic>(i), of.a,
                                                                    of.b, mode, flags);
            });
    for (unsigned i = 0; i < 4; ++i)
        add("fused", assemble::r(0x43 + 4 * i, kDynamic, 3 << 2 | format_, 0, 1, 2), true,
            [=](const Operands& of, fp::Rounding mode, U& flags) {
                return (wide ? fp::fused_d : fp::fused_s)(static_cast<fp::Fused>(i), of.a, of.b, of.c, mode,
                                                          flags);
            });
    add("minimum", op_fp(0x05, format_, 0, 0, 1, 2), true, [=](const Operands& of, fp::Rounding, U& flags) {
        return (wide ? fp::min_d : fp::min_s)(of.a, of.b, flags);
    });
    add("maximum", op_fp(0x05, format_, 1, 0, 1, 2), true, [=](const Operands& of, fp::Rounding, U& flags) {
        return (wide ? fp::max_d : fp::max_s)(of.a, of.b, flags);
    });
    for (unsigned i = 0; i < 3; ++i)
        for (const bool same : {false, true})
            add("sign", op_fp(0x04, format_, i, 0, 1, same ? 1 : 2), true,
                [=](const Operands& of, fp::Rounding, U&) {
                    return (wide ? fp::sign_inject_d : fp::sign_inject_s)(static_cast<fp::SignInjection>(i),
                                                                          of.a, same ? of.a : of.b);
                });
    add("other precision", op_fp(0x08, format_ ^ 1, kDynamic, 0, 1, format_), true,
        [=](const Operands& of, fp::Rounding mode, U& flags) {
            return wide ? fp::double_to_single(of.a, mode, flags) : fp::single_to_double(of.a, flags);
        });
    for (unsigned i = 0; i < 4; ++i)
        add("from integer", op_fp(0x1a, format_, kDynamic, 0, 5, i), true,
            [=](const Operands& of, fp::Rounding mode, U& flags) {
                return (wide ? fp::from_integer_d : fp::from_integer_s)(static_cast<fp::Integer>(i),
                                                                        of.integer, mode, flags);
            });
    add("from bits", op_fp(0x1e, format_, 0, 0, 5, 0), true,
        [=](const Operands& of, fp::Rounding, U&) { return wide ? of.integer : of.integer | kBox; });
}

void EveryOperation::append_integer_results() {
    const bool wide = is_double_;
    for (unsigned i = 0; i < 3; ++i)
        add("compare", op_fp(0x14, format_, i, 0, 1, 2), false,
            [=](const Operands& of, fp::Rounding, U& flags) {
                return (wide ? fp::compare_d : fp::compare_s)(static_cast<fp::Compare>(i), of.a, of.b, flags);
            });
    for (unsigned i = 0; i < 4; ++i)
        for (const bool dynamic : {false, true})
            add("to integer", op_fp(0x18, format_, dynamic ? kDynamic : kTowardZero, 0, 1, i), false,
                [=](const Operands& of, fp::Rounding mode, U& flags) {
                    return (wide ? fp::to_integer_d : fp::to_integer_s)(
                        static_cast<fp::Integer>(i), of.a, dynamic ? mode : fp::Rounding::TowardZero, flags);
                });
    add("class", op_fp(0x1c, format_, 1, 0, 1, 0), false,
        [=](const Operands& of, fp::Rounding, U&) { return (wide ? fp::classify_d : fp::classify_s)(of.a); });
    add("to bits", op_fp(0x1c, format_, 0, 0, 1, 0), false, [=](const Operands& of, fp::Rounding, U&) {
        return wide ? of.a : static_cast<U>(std::int64_t{static_cast<std::int32_t>(of.a)});
    });
}

// Signed zeros, subnormals, ones, what rounds, the limits of integers, infinities, NaNs quiet and signaling.
constexpr U kDoubles[] = {0,
                          0x8000000000000000,
                          1,
                          0x800fffffffffffff,
                          0x3ff0000000000000,
                          0xbff0000000000001,
                          0x3fd5555555555555,
                          0xc004000000000000,
                          0x41dfffffffe00000,
                          0xc1e0000000000000,
                          0x43f0000000000000,
                          0x7fefffffffffffff,
                          0x7ff0000000000000,
                          0xfff0000000000000,
                          0x7ff8000000000000,
                          0xfff8000000000005,
                          0x7ff0000000000001};
constexpr std::uint32_t kSingles[] = {0,          0x80000000, 1,          0x807fffff, 0x3f800000, 0xbf800001,
                                      0x3eaaaaab, 0xc0200000, 0x4effffff, 0xcf000000, 0x5f800000, 0x7f7fffff,
                                      0x7f800000, 0xff800000, 0x7fc00000, 0xffc00005, 0x7f800001};
constexpr U kIntegers[] = {0, 1, ~U{0}, 0x7fffffff, 0xffffffff80000001, 0x20000000000001, 0x8000000000000401};

void check_all(EveryOperation& operations, const std::vector<U>& operands) {
    unsigned i = 0;
    for (const U a : operands)
        for (const U b : operands)
            for (unsigned mode = 0; mode < 5; ++mode, ++i) {
                const U c = operands[i % operands.size()], integer = kIntegers[i % std::size(kIntegers)];
                ASSERT_NO_FATAL_FAILURE(operations.check(a, b, c, integer, mode));
            }
}

TEST(FloatBlocks, EveryDoubleOperationInEveryMode) {
    EveryOperation operations(true);
    check_all(operations, {std::begin(kDoubles), std::end(kDoubles)});
}

TEST(FloatBlocks, EverySingleOperationInEveryMode) {
    EveryOperation operations(false);
    std::vector<U> operands{0x3f800000, 0x7fffffff40000000, 0xfffffffe3f800000}; // not boxed
    for (const std::uint32_t single : kSingles)
        operands.push_back(kBox | single);
    check_all(operations, operands);
}

} // namespace

} // namespace ashlar::jit::test
