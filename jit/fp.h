// IEEE 754 operations of RV64F/D with the RISC-V rounding modes, accrued flags, canonical NaN and NaN boxing.
// Specification: Unprivileged ISA, chapters "F" and "D". Values are the raw bits of f registers. Computed in
// integers, so that they work in any rounding mode and leave the host's FPU alone; fp_host.h has the fast
// ones.
#pragma once

#include <cstdint>

namespace ashlar::jit::fp {

// frm encodings.
enum class Rounding : std::uint8_t {
    NearestEven = 0,
    TowardZero = 1,
    Down = 2,
    Up = 3,
    NearestMaxMagnitude = 4
};

// fflags bits.
constexpr std::uint64_t kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8, kInvalid = 16;

// Every function takes the static or already resolved dynamic rounding mode where the instruction has one,
// ORs the exceptions it raises into `flags`, and returns register bits: singles NaN-boxed, integers as x
// register values (32-bit results sign-extended). Single operands that are not boxed count as the canonical
// NaN.
enum class Arithmetic : std::uint8_t { Add, Subtract, Multiply, Divide, SquareRoot };
std::uint64_t arithmetic_s(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding rounding,
                           std::uint64_t& flags);
std::uint64_t arithmetic_d(Arithmetic op, std::uint64_t a, std::uint64_t b, Rounding rounding,
                           std::uint64_t& flags);

// (+-a*b) +- c, one rounding.
enum class Fused : std::uint8_t {
    MultiplyAdd,
    MultiplySubtract,
    NegatedMultiplySubtract,
    NegatedMultiplyAdd
};
std::uint64_t fused_s(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                      std::uint64_t& flags);
std::uint64_t fused_d(Fused op, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding,
                      std::uint64_t& flags);

enum class Compare : std::uint8_t { LessEqual = 0, Less = 1, Equal = 2 }; // fle, flt, feq (funct3)
std::uint64_t compare_s(Compare op, std::uint64_t a, std::uint64_t b, std::uint64_t& flags);
std::uint64_t compare_d(Compare op, std::uint64_t a, std::uint64_t b, std::uint64_t& flags);

std::uint64_t min_s(std::uint64_t a, std::uint64_t b, std::uint64_t& flags);
std::uint64_t max_s(std::uint64_t a, std::uint64_t b, std::uint64_t& flags);
std::uint64_t min_d(std::uint64_t a, std::uint64_t b, std::uint64_t& flags);
std::uint64_t max_d(std::uint64_t a, std::uint64_t b, std::uint64_t& flags);

enum class SignInjection : std::uint8_t { Copy = 0, Negate = 1, Xor = 2 }; // fsgnj, fsgnjn, fsgnjx
std::uint64_t sign_inject_s(SignInjection op, std::uint64_t a, std::uint64_t b);
std::uint64_t sign_inject_d(SignInjection op, std::uint64_t a, std::uint64_t b);

std::uint64_t classify_s(std::uint64_t a);
std::uint64_t classify_d(std::uint64_t a);

enum class Integer : std::uint8_t { Word = 0, UnsignedWord = 1, Long = 2, UnsignedLong = 3 }; // the rs2 field
std::uint64_t to_integer_s(Integer type, std::uint64_t a, Rounding rounding, std::uint64_t& flags);
std::uint64_t to_integer_d(Integer type, std::uint64_t a, Rounding rounding, std::uint64_t& flags);
std::uint64_t from_integer_s(Integer type, std::uint64_t x, Rounding rounding, std::uint64_t& flags);
std::uint64_t from_integer_d(Integer type, std::uint64_t x, Rounding rounding, std::uint64_t& flags);

std::uint64_t single_to_double(std::uint64_t a, std::uint64_t& flags);
std::uint64_t double_to_single(std::uint64_t a, Rounding rounding, std::uint64_t& flags);

} // namespace ashlar::jit::fp
