#include "jit/fp.h"

#include "arch/fpu.h"
#include "jit/fp_exact.h"
#include "jit/fp_format.h"
#include "jit/fp_nearest.h"

namespace ashlar::jit::fp {

static_assert(kInexact == arch::fpu::kInexact && kUnderflow == arch::fpu::kUnderflow &&
              kOverflow == arch::fpu::kOverflow && kDivideByZero == arch::fpu::kDivideByZero &&
              kInvalid == arch::fpu::kInvalid);

namespace {

// Runs the host's FPU in another direction with nothing accrued; at the end collects the exceptions and puts
// back what was there before.
class HostScope {
public:
    HostScope(arch::fpu::Direction direction, std::uint64_t& flags)
        : saved_(arch::fpu::read_environment()), flags_(flags) {
        arch::fpu::write_environment(arch::fpu::clean_environment(direction));
    }
    ~HostScope() {
        flags_ |= arch::fpu::exceptions(arch::fpu::read_environment());
        arch::fpu::write_environment(saved_);
    }
    HostScope(const HostScope&) = delete;
    HostScope& operator=(const HostScope&) = delete;

private:
    arch::fpu::Environment saved_;
    std::uint64_t& flags_;
};

// The mode must be one that the host has; reserved encodings never get here.
arch::fpu::Direction direction_of(Rounding rounding) {
    switch (rounding) {
    case Rounding::TowardZero: return arch::fpu::Direction::TowardZero;
    case Rounding::Down: return arch::fpu::Direction::Down;
    case Rounding::Up: return arch::fpu::Direction::Up;
    case Rounding::NearestEven:
    case Rounding::NearestMaxMagnitude: break;
    }
    return arch::fpu::Direction::Nearest;
}

template <class F>
std::uint64_t host_arithmetic(Arithmetic op, std::uint64_t a, std::uint64_t b) {
    switch (op) {
    case Arithmetic::Add: return nearest::add<F>(a, b);
    case Arithmetic::Subtract: return nearest::subtract<F>(a, b);
    case Arithmetic::Multiply: return nearest::multiply<F>(a, b);
    case Arithmetic::Divide: return nearest::divide<F>(a, b);
    case Arithmetic::SquareRoot: return nearest::square_root<F>(a);
    }
    return 0;
}

// Ties to maximum magnitude, by exact arithmetic. A square root is never a tie and never subnormal, so the
// host's nearest is right for it.
template <class F>
typename F::Bits max_magnitude_arithmetic(Arithmetic op, typename F::Bits a, typename F::Bits b,
                                          std::uint64_t& flags) {
    constexpr Rounding kMode = Rounding::NearestMaxMagnitude;
    switch (op) {
    case Arithmetic::Add: return exact::fused<F>(a, F::kOne, b, kMode, flags);
    case Arithmetic::Subtract: return exact::fused<F>(a, F::kOne, b ^ F::kSign, kMode, flags);
    case Arithmetic::Multiply: // the addend is a zero of the product's sign, which changes nothing
        return exact::fused<F>(a, b, (a ^ b) & F::kSign, kMode, flags);
    case Arithmetic::Divide: return exact::divide<F>(a, b, kMode, flags);
    case Arithmetic::SquareRoot: break;
    }
    return F::kNan;
}

template <class F>
std::uint64_t arithmetic(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding rounding,
                         std::uint64_t& flags) {
    if (rounding == Rounding::NearestMaxMagnitude && op != Arithmetic::SquareRoot)
        return F::to_register(
            max_magnitude_arithmetic<F>(op, F::from_register(a), F::from_register(b), flags));
    const HostScope scope(direction_of(rounding), flags);
    return host_arithmetic<F>(op, a, b);
}

template <class F>
std::uint64_t fused(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                    std::uint64_t& flags) {
    const bool negate_product = op == Fused::NegatedMultiplySubtract || op == Fused::NegatedMultiplyAdd;
    const bool negate_addend = op == Fused::MultiplySubtract || op == Fused::NegatedMultiplyAdd;
    using Bits = typename F::Bits;
    const Bits left = F::from_register(a) ^ (negate_product ? F::kSign : Bits{0});
    const Bits right = F::from_register(b);
    const Bits addend = F::from_register(c) ^ (negate_addend ? F::kSign : Bits{0});
    if (rounding != Rounding::NearestMaxMagnitude && arch::fpu::has_fused_multiply_add()) {
        const HostScope scope(direction_of(rounding), flags);
        const Bits result = F::from_host(
            arch::fpu::fused_multiply_add(F::to_host(left), F::to_host(right), F::to_host(addend)));
        if (!F::is_nan(result))
            return F::to_register(result);
    }
    return F::to_register(exact::fused<F>(left, right, addend, rounding, flags));
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
    return arithmetic<Single>(op, a, b, rounding, flags);
}
std::uint64_t arithmetic_d(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding rounding,
                           std::uint64_t& flags) {
    return arithmetic<Double>(op, a, b, rounding, flags);
}
std::uint64_t fused_s(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                      std::uint64_t& flags) {
    return fused<Single>(op, a, b, c, rounding, flags);
}
std::uint64_t fused_d(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                      std::uint64_t& flags) {
    return fused<Double>(op, a, b, c, rounding, flags);
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
    const HostScope scope(arch::fpu::Direction::Nearest, flags);
    return nearest::single_to_double(a);
}
std::uint64_t double_to_single(std::uint64_t a, Rounding rounding, std::uint64_t& flags) {
    return Single::to_register(exact::to_single(dbl(a), rounding, flags));
}

} // namespace ashlar::jit::fp
