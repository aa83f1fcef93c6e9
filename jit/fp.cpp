#include "jit/fp.h"

#include "jit/fp_exact.h"
#include "jit/fp_format.h"

namespace ashlar::jit::fp {

namespace {

template <class F>
typename F::Bits arithmetic(Arithmetic op, typename F::Bits a, typename F::Bits b, Rounding rounding,
                            std::uint64_t& flags) {
    switch (op) {
    case Arithmetic::Add: return exact::fused<F>(a, F::kOne, b, rounding, flags);
    case Arithmetic::Subtract: return exact::fused<F>(a, F::kOne, b ^ F::kSign, rounding, flags);
    case Arithmetic::Multiply: // the addend is a zero of the product's sign, which changes nothing
        return exact::fused<F>(a, b, (a ^ b) & F::kSign, rounding, flags);
    case Arithmetic::Divide: return exact::divide<F>(a, b, rounding, flags);
    case Arithmetic::SquareRoot: return exact::square_root<F>(a, rounding, flags);
    }
    return F::kNan;
}

template <class F>
typename F::Bits fused(Fused op, typename F::Bits a, typename F::Bits b, typename F::Bits c,
                       Rounding rounding, std::uint64_t& flags) {
    const bool negate_product = op == Fused::NegatedMultiplySubtract || op == Fused::NegatedMultiplyAdd;
    const bool negate_addend = op == Fused::MultiplySubtract || op == Fused::NegatedMultiplyAdd;
    return exact::fused<F>(negate_product ? a ^ F::kSign : a, b, negate_addend ? c ^ F::kSign : c, rounding,
                           flags);
}

template <class F>
bool is_less(typename F::Bits a, typename F::Bits b) {
    if (F::is_zero(a) && F::is_zero(b))
        return false;
    if (F::is_negative(a) != F::is_negative(b))
        return F::is_negative(a);
    return F::is_negative(a) ? a > b : a < b;
}

template <class F>
std::uint64_t compare(Compare op, typename F::Bits a, typename F::Bits b, std::uint64_t& flags) {
    if (F::is_nan(a) || F::is_nan(b)) {
        // Equality is a quiet comparison, the others signal on any NaN.
        if (op != Compare::Equal || F::is_signaling(a) || F::is_signaling(b))
            flags |= kInvalid;
        return 0;
    }
    const bool equal = a == b || (F::is_zero(a) && F::is_zero(b));
    switch (op) {
    case Compare::Equal: return equal;
    case Compare::Less: return is_less<F>(a, b);
    case Compare::LessEqual: return equal || is_less<F>(a, b);
    }
    return 0;
}

// minimumNumber and maximumNumber of IEEE 754-2019; -0 counts as less than +0.
template <class F>
std::uint64_t extremum(bool want_maximum, typename F::Bits a, typename F::Bits b, std::uint64_t& flags) {
    if (F::is_signaling(a) || F::is_signaling(b))
        flags |= kInvalid;
    if (F::is_nan(a))
        return F::to_register(F::canonical(b));
    if (F::is_nan(b))
        return F::to_register(a);
    const bool a_first = is_less<F>(a, b) || (F::is_zero(a) && F::is_zero(b) && F::is_negative(a));
    return F::to_register(a_first != want_maximum ? a : b);
}

template <class F>
std::uint64_t sign_inject(SignInjection op, typename F::Bits a, typename F::Bits b) {
    switch (op) {
    case SignInjection::Copy: break;
    case SignInjection::Negate: b = ~b; break;
    case SignInjection::Xor: b ^= a; break;
    }
    return F::to_register(F::with_sign(F::magnitude(a), F::is_negative(b)));
}

// The ten classes in the order of fclass's result bits.
enum Class {
    NegativeInfinity,
    NegativeNormal,
    NegativeSubnormal,
    NegativeZero,
    PositiveZero,
    PositiveSubnormal,
    PositiveNormal,
    PositiveInfinity,
    SignalingNan,
    QuietNan
};

template <class F>
Class class_of(typename F::Bits a) {
    const bool negative = F::is_negative(a);
    if (F::is_nan(a))
        return F::is_signaling(a) ? SignalingNan : QuietNan;
    if (F::is_infinity(a))
        return negative ? NegativeInfinity : PositiveInfinity;
    if (F::is_zero(a))
        return negative ? NegativeZero : PositiveZero;
    if (F::magnitude(a) < F::kHidden)
        return negative ? NegativeSubnormal : PositiveSubnormal;
    return negative ? NegativeNormal : PositiveNormal;
}

template <class F>
std::uint64_t classify(typename F::Bits a) {
    return std::uint64_t{1} << class_of<F>(a);
}

constexpr auto single = Single::from_register;
constexpr auto dbl = Double::from_register;

} // namespace

std::uint64_t arithmetic_s(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding rounding,
                           std::uint64_t& flags) {
    return Single::to_register(arithmetic<Single>(op, single(a), single(b), rounding, flags));
}
std::uint64_t arithmetic_d(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding rounding,
                           std::uint64_t& flags) {
    return Double::to_register(arithmetic<Double>(op, dbl(a), dbl(b), rounding, flags));
}
std::uint64_t fused_s(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                      std::uint64_t& flags) {
    return Single::to_register(fused<Single>(op, single(a), single(b), single(c), rounding, flags));
}
std::uint64_t fused_d(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                      std::uint64_t& flags) {
    return Double::to_register(fused<Double>(op, dbl(a), dbl(b), dbl(c), rounding, flags));
}

std::uint64_t compare_s(Compare op, std::uint64_t a, std::uint64_t b, std::uint64_t& flags) {
    return compare<Single>(op, single(a), single(b), flags);
}
std::uint64_t compare_d(Compare op, std::uint64_t a, std::uint64_t b, std::uint64_t& flags) {
    return compare<Double>(op, dbl(a), dbl(b), flags);
}
std::uint64_t min_s(std::uint64_t a, std::uint64_t b, std::uint64_t& flags) {
    return extremum<Single>(false, single(a), single(b), flags);
}
std::uint64_t max_s(std::uint64_t a, std::uint64_t b, std::uint64_t& flags) {
    return extremum<Single>(true, single(a), single(b), flags);
}
std::uint64_t min_d(std::uint64_t a, std::uint64_t b, std::uint64_t& flags) {
    return extremum<Double>(false, dbl(a), dbl(b), flags);
}
std::uint64_t max_d(std::uint64_t a, std::uint64_t b, std::uint64_t& flags) {
    return extremum<Double>(true, dbl(a), dbl(b), flags);
}

std::uint64_t sign_inject_s(SignInjection op, std::uint64_t a, std::uint64_t b) {
    return sign_inject<Single>(op, single(a), single(b));
}
std::uint64_t sign_inject_d(SignInjection op, std::uint64_t a, std::uint64_t b) {
    return sign_inject<Double>(op, dbl(a), dbl(b));
}
std::uint64_t classify_s(std::uint64_t a) {
    return classify<Single>(single(a));
}
std::uint64_t classify_d(std::uint64_t a) {
    return classify<Double>(dbl(a));
}

std::uint64_t to_integer_s(Integer type, std::uint64_t a, Rounding rounding, std::uint64_t& flags) {
    return exact::to_integer<Single>(type, single(a), rounding, flags);
}
std::uint64_t to_integer_d(Integer type, std::uint64_t a, Rounding rounding, std::uint64_t& flags) {
    return exact::to_integer<Double>(type, dbl(a), rounding, flags);
}
std::uint64_t from_integer_s(Integer type, std::uint64_t x, Rounding rounding, std::uint64_t& flags) {
    return Single::to_register(exact::from_integer<Single>(type, x, rounding, flags));
}
std::uint64_t from_integer_d(Integer type, std::uint64_t x, Rounding rounding, std::uint64_t& flags) {
    return Double::to_register(exact::from_integer<Double>(type, x, rounding, flags));
}

std::uint64_t single_to_double(std::uint64_t a, std::uint64_t& flags) {
    return Double::to_register(exact::to_double(single(a), flags));
}
std::uint64_t double_to_single(std::uint64_t a, Rounding rounding, std::uint64_t& flags) {
    return Single::to_register(exact::to_single(dbl(a), rounding, flags));
}

} // namespace ashlar::jit::fp
