// The common case, inline on the host's FPU: the rounding mode is the one that the FPU is set to, and
// exceptions stay there until asked for. A few host instructions per operation.
//
// Protocol for whoever executes guest code with these (the interpreter, later generated code's helpers):
//   - start_accruing(frm) when guest execution begins on this thread, and when the guest wrote fflags or frm;
//   - accrue(flags) before fflags is read and when guest execution ends.
// Between the two nothing else computes floating-point on the thread. Operations whose rounding mode is
// another (is_current says so) go to fp.h, which leaves the FPU alone. Results and register bits are as in
// fp.h.
#pragma once

#include <cstdint>
#include <iterator>

#include "arch/fpu.h"
#include "jit/fp.h"
#include "jit/fp_exact.h"
#include "jit/fp_format.h"

namespace ashlar::jit::fp {

// Directions in the order of Rounding's first four values. What the host does not have counts as nearest and
// is never current.
constexpr arch::fpu::Direction kDirections[] = {arch::fpu::Direction::Nearest,
                                                arch::fpu::Direction::TowardZero, arch::fpu::Direction::Down,
                                                arch::fpu::Direction::Up};

constexpr bool has_direction(std::uint64_t frm) {
    return frm < std::size(kDirections);
}

inline void start_accruing(std::uint64_t frm) {
    const auto direction = has_direction(frm) ? kDirections[frm] : arch::fpu::Direction::Nearest;
    arch::fpu::write_environment(arch::fpu::clean_environment(direction));
}
inline void accrue(std::uint64_t& flags) {
    flags |= arch::fpu::exceptions(arch::fpu::read_environment());
}

// Whether operations with `rounding` may use the functions below while the dynamic mode is `frm`.
constexpr bool is_current(Rounding rounding, std::uint64_t frm) {
    return static_cast<std::uint64_t>(rounding) == frm && rounding != Rounding::NearestMaxMagnitude;
}

namespace host {

namespace detail {
template <class F>
typename F::Host operand(std::uint64_t value) {
    return F::to_host(F::from_register(value));
}
template <class F>
std::uint64_t result(typename F::Host value) {
    const typename F::Bits bits = F::from_host(value);
    return F::to_register(__builtin_expect(F::is_nan(bits), 0) ? F::kNan : bits);
}
} // namespace detail

template <class F>
std::uint64_t add(std::uint64_t a, std::uint64_t b) {
    return detail::result<F>(arch::fpu::add(detail::operand<F>(a), detail::operand<F>(b)));
}
template <class F>
std::uint64_t subtract(std::uint64_t a, std::uint64_t b) {
    return detail::result<F>(arch::fpu::subtract(detail::operand<F>(a), detail::operand<F>(b)));
}
template <class F>
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
    return detail::result<F>(arch::fpu::multiply(detail::operand<F>(a), detail::operand<F>(b)));
}
template <class F>
std::uint64_t divide(std::uint64_t a, std::uint64_t b) {
    return detail::result<F>(arch::fpu::divide(detail::operand<F>(a), detail::operand<F>(b)));
}
template <class F>
std::uint64_t square_root(std::uint64_t a) {
    return detail::result<F>(arch::fpu::square_root(detail::operand<F>(a)));
}

// `rounding` is the current one. Exceptions of the rare cases that the host cannot do go to `flags` at once.
template <class F>
std::uint64_t fused(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                    std::uint64_t& flags) {
    using Bits = typename F::Bits;
    const bool negate_product = op == Fused::NegatedMultiplySubtract || op == Fused::NegatedMultiplyAdd;
    const bool negate_addend = op == Fused::MultiplySubtract || op == Fused::NegatedMultiplyAdd;
    const Bits left = F::from_register(a) ^ (negate_product ? F::kSign : Bits{0});
    const Bits addend = F::from_register(c) ^ (negate_addend ? F::kSign : Bits{0});
    if (__builtin_expect(arch::fpu::has_fused_multiply_add(), 1)) {
        const Bits bits = F::from_host(
            arch::fpu::fused_multiply_add(F::to_host(left), detail::operand<F>(b), F::to_host(addend)));
        if (__builtin_expect(!F::is_nan(bits), 1))
            return F::to_register(bits);
    }
    return F::to_register(exact::fused<F>(left, F::from_register(b), addend, rounding, flags));
}

inline std::uint64_t single_to_double(std::uint64_t a) {
    return detail::result<Double>(arch::fpu::to_double(detail::operand<Single>(a)));
}
inline std::uint64_t double_to_single(std::uint64_t a) {
    return detail::result<Single>(arch::fpu::to_single(detail::operand<Double>(a)));
}
template <class F>
std::uint64_t from_long(std::uint64_t x) {
    const auto value = static_cast<std::int64_t>(x);
    if constexpr (sizeof(typename F::Bits) == 8)
        return F::to_register(F::from_host(arch::fpu::to_double(value)));
    else
        return F::to_register(F::from_host(arch::fpu::to_single(value)));
}

} // namespace host

// Conversion toward zero to a signed integer of 32 or 64 bits, as C's casts want it (fcvt.w, fcvt.l with
// RTZ). Leaves exceptions in the host's FPU too.
template <class F, class Signed>
std::uint64_t truncate(std::uint64_t a, std::uint64_t& flags) {
    const typename F::Bits bits = F::from_register(a);
    const Signed value = arch::fpu::truncate<Signed>(F::to_host(bits));
    if (__builtin_expect(value != arch::fpu::kUnrepresentable<Signed>, 1))
        return static_cast<std::uint64_t>(std::int64_t{value});
    constexpr Integer kType = sizeof(Signed) == 4 ? Integer::Word : Integer::Long;
    return exact::to_integer<F>(kType, bits, Rounding::TowardZero, flags);
}

} // namespace ashlar::jit::fp
