// Every operation at its corner values and at generated ones, in all rounding modes, against qemu-riscv64.
#include "jit/fp.h"

#include <gtest/gtest.h>

#include "hosttests/fp/operands.h"
#include "hosttests/fp/oracle_client.h"

namespace ashlar::jit::fp::test {

namespace {

constexpr std::uint16_t kRoundingModes = 5;

// In the order of oracle.h.
constexpr const char* kNames[] = {
    "fadd",    "fsub",        "fmul",         "fdiv",        "fsqrt",        "fmadd",       "fmsub",
    "fnmsub",  "fnmadd",      "fle",          "flt",         "feq",          "fmin",        "fmax",
    "fsgnj",   "fsgnjn",      "fsgnjx",       "fclass",      "fcvt_w",       "fcvt_wu",     "fcvt_l",
    "fcvt_lu", "fcvt_from_w", "fcvt_from_wu", "fcvt_from_l", "fcvt_from_lu", "fcvt_between"};
static_assert(std::size(kNames) == kOperations);

Reply evaluate(const Request& in) {
    const auto rounding = static_cast<Rounding>(in.rounding);
    const bool wide = in.is_double != 0;
    const auto operation = static_cast<int>(in.operation);
    std::uint64_t flags = 0, value = 0;
    if (operation <= kSquareRoot) {
        value = (wide ? arithmetic_d : arithmetic_s)(static_cast<Arithmetic>(operation), in.a, in.b, rounding,
                                                     flags);
    } else if (operation <= kNegatedMultiplyAdd) {
        value = (wide ? fused_d : fused_s)(static_cast<Fused>(operation - kMultiplyAdd), in.a, in.b, in.c,
                                           rounding, flags);
    } else if (operation <= kEqual) {
        value =
            (wide ? compare_d : compare_s)(static_cast<Compare>(operation - kLessEqual), in.a, in.b, flags);
    } else if (operation == kMin) {
        value = (wide ? min_d : min_s)(in.a, in.b, flags);
    } else if (operation == kMax) {
        value = (wide ? max_d : max_s)(in.a, in.b, flags);
    } else if (operation <= kSignXor) {
        value = (wide ? sign_inject_d : sign_inject_s)(static_cast<SignInjection>(operation - kSignCopy),
                                                       in.a, in.b);
    } else if (operation == kClassify) {
        value = (wide ? classify_d : classify_s)(in.a);
    } else if (operation <= kToUnsignedLong) {
        value = (wide ? to_integer_d : to_integer_s)(static_cast<Integer>(operation - kToWord), in.a,
                                                     rounding, flags);
    } else if (operation <= kFromUnsignedLong) {
        value = (wide ? from_integer_d : from_integer_s)(static_cast<Integer>(operation - kFromWord), in.a,
                                                         rounding, flags);
    } else {
        value = wide ? double_to_single(in.a, rounding, flags) : single_to_double(in.a, flags);
    }
    return {value, flags};
}

bool uses_rounding(int operation) {
    return operation <= kNegatedMultiplyAdd || operation >= kToWord;
}

std::uint16_t modes_of(int operation) {
    return uses_rounding(operation) ? kRoundingModes : std::uint16_t{1};
}

void expect_agreement(const std::vector<Request>& requests) {
    const std::vector<Reply> expected = ask_oracle(requests);
    ASSERT_EQ(expected.size(), requests.size()) << "the oracle did not run";
    int failures = 0;
    for (std::size_t i = 0; i < requests.size() && failures < 10; ++i) {
        const Request& in = requests[i];
        const Reply actual = evaluate(in);
        if (actual.value == expected[i].value && actual.flags == expected[i].flags)
            continue;
        ++failures;
        ADD_FAILURE() << std::hex << "operation " << std::dec << in.operation << (in.is_double ? ".d" : ".s")
                      << " rounding " << in.rounding << std::hex << " a " << in.a << " b " << in.b << " c "
                      << in.c << ": " << actual.value << " flags " << actual.flags << ", expected "
                      << expected[i].value << " flags " << expected[i].flags;
    }
}

class FpAgainstQemu : public testing::TestWithParam<std::tuple<int, bool>> {
protected:
    std::vector<Request> requests_;

    void add(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
        const auto [operation, is_double] = GetParam();
        for (std::uint16_t mode = 0; mode < modes_of(operation); ++mode)
            requests_.push_back({static_cast<std::uint32_t>(operation), is_double, mode, a, b, c});
    }
    void add_corners() {
        const auto [operation, is_double] = GetParam();
        const auto corners = corner_operands(is_double);
        const auto few = few_operands(is_double);
        if (operation >= kFromWord && operation <= kFromUnsignedLong) {
            for (const std::uint64_t a : corner_integers())
                add(a, 0, 0);
        } else if (operation >= kMultiplyAdd && operation <= kNegatedMultiplyAdd) {
            for (const std::uint64_t a : few)
                for (const std::uint64_t b : few)
                    for (const std::uint64_t c : few)
                        add(a, b, c);
        } else if (operation == kSquareRoot || operation >= kClassify) {
            for (const std::uint64_t a : corners)
                add(a, 0, 0);
        } else {
            for (const std::uint64_t a : corners)
                for (const std::uint64_t b : corners)
                    add(a, b, 0);
        }
    }
};

std::string test_name(const testing::TestParamInfo<std::tuple<int, bool>>& parameter) {
    const auto [operation, is_double] = parameter.param;
    return std::string(kNames[operation]) + (is_double ? "_d" : "_s");
}

} // namespace

TEST_P(FpAgainstQemu, corner_values) {
    add_corners();
    expect_agreement(requests_);
}

TEST_P(FpAgainstQemu, generated_values) {
    const auto [operation, is_double] = GetParam();
    OperandGenerator generator(static_cast<std::uint64_t>(operation * 2 + is_double));
    for (int i = 0; i < 10'000; ++i) {
        const bool from_integer = operation >= kFromWord && operation <= kFromUnsignedLong;
        const std::uint64_t a =
            from_integer ? generator.next_bits() >> (generator.next_bits() & 63) : generator.next(is_double);
        add(a, generator.next(is_double), generator.next(is_double));
    }
    expect_agreement(requests_);
}

INSTANTIATE_TEST_SUITE_P(Fp, FpAgainstQemu,
                         testing::Combine(testing::Range(0, static_cast<int>(kOperations)), testing::Bool()),
                         test_name);

} // namespace ashlar::jit::fp::test
