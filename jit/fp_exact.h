// Floating-point operations in integer arithmetic, in any rounding mode, with exceptions as RISC-V raises
// them. Conversions and single operations in an unusual mode are as fast as switching the host's FPU to it
// would be; hosts without fused multiply-add, or without ties to maximum magnitude, have nothing else.
#pragma once

#include <cstdint>

#include "jit/fp.h"
#include "jit/fp_format.h"

namespace ashlar::jit::fp::exact {

// A significand of 64 bits without its low `drop` bits (1 to any number), rounded. The result is below 2^63
// and may have carried one bit further than the significand had.
struct Rounded {
    std::uint64_t value;
    bool inexact;
};
Rounded round_off(std::uint64_t significand, int drop, bool negative, Rounding rounding);

// The number +-significand * 2^exponent in format F. `significand` is not 0; its lowest bit may stand for all
// that lay below.
template <class F>
typename F::Bits round_and_pack(bool negative, std::uint64_t significand, int exponent, Rounding rounding,
                                std::uint64_t& flags);

// a * b + c.
template <class F>
typename F::Bits fused(typename F::Bits a, typename F::Bits b, typename F::Bits c, Rounding rounding,
                       std::uint64_t& flags);
template <class F>
typename F::Bits divide(typename F::Bits a, typename F::Bits b, Rounding rounding, std::uint64_t& flags);
template <class F>
typename F::Bits square_root(typename F::Bits a, Rounding rounding, std::uint64_t& flags);

template <class F>
std::uint64_t to_integer(Integer type, typename F::Bits a, Rounding rounding, std::uint64_t& flags);
template <class F>
typename F::Bits from_integer(Integer type, std::uint64_t x, Rounding rounding, std::uint64_t& flags);
Double::Bits to_double(Single::Bits a, std::uint64_t& flags);
Single::Bits to_single(Double::Bits a, Rounding rounding, std::uint64_t& flags);

} // namespace ashlar::jit::fp::exact
