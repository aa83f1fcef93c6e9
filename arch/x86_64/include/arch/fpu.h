// The host's IEEE 754 unit (SSE2, FMA3) as the translation engine uses it. Every architecture has this
// header.
//
// All operations are volatile assembly, so that the compiler neither folds them nor moves them across
// accesses to the environment. An operation rounds in the environment's direction and accrues its exceptions
// there.
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::arch::fpu {

// The exceptions that have accrued, all masked, and the rounding direction: MXCSR.
enum class Environment : std::uint32_t {};
enum class Direction : std::uint8_t { Nearest = 0, Down = 1, Up = 2, TowardZero = 3 }; // MXCSR.RC

inline Environment read_environment() {
    std::uint32_t value;
    asm volatile("stmxcsr %0" : "=m"(value));
    return static_cast<Environment>(value);
}
inline void write_environment(Environment environment) {
    const auto value = static_cast<std::uint32_t>(environment);
    asm volatile("ldmxcsr %0" : : "m"(value));
}
// Nothing accrued, everything masked, no flushing of subnormals.
constexpr Environment clean_environment(Direction direction) {
    return static_cast<Environment>(0x1F80u | static_cast<std::uint32_t>(direction) << 13);
}

constexpr unsigned kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8, kInvalid = 16;
// What has accrued, as a set of the bits above (MXCSR has PE, UE, OE, ZE, DE, IE from bit 5 down).
constexpr unsigned exceptions(Environment environment) {
    const auto value = static_cast<std::uint32_t>(environment);
    return (value >> 5 & kInexact) | (value >> 3 & kUnderflow) | (value >> 1 & kOverflow) |
           (value << 1 & kDivideByZero) | (value << 4 & kInvalid);
}
inline double add(double a, double b) {
    asm volatile("addsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline float add(float a, float b) {
    asm volatile("addss %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline double subtract(double a, double b) {
    asm volatile("subsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline float subtract(float a, float b) {
    asm volatile("subss %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline double multiply(double a, double b) {
    asm volatile("mulsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline float multiply(float a, float b) {
    asm volatile("mulss %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline double divide(double a, double b) {
    asm volatile("divsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline float divide(float a, float b) {
    asm volatile("divss %1, %0" : "+x"(a) : "x"(b));
    return a;
}
inline double square_root(double a) {
    asm volatile("sqrtsd %0, %0" : "+x"(a));
    return a;
}
inline float square_root(float a) {
    asm volatile("sqrtss %0, %0" : "+x"(a));
    return a;
}
inline double to_double(float a) {
    double result;
    asm volatile("cvtss2sd %1, %0" : "=x"(result) : "x"(a));
    return result;
}
inline float to_single(double a) {
    float result;
    asm volatile("cvtsd2ss %1, %0" : "=x"(result) : "x"(a));
    return result;
}
inline double to_double(std::int64_t a) {
    double result;
    asm volatile("pxor %0, %0\n\tcvtsi2sd %1, %0" : "=&x"(result) : "r"(a));
    return result;
}
inline float to_single(std::int64_t a) {
    float result;
    asm volatile("pxor %0, %0\n\tcvtsi2ss %1, %0" : "=&x"(result) : "r"(a));
    return result;
}
// Toward zero, whatever the direction. kUnrepresentable: out of range or NaN (Invalid accrues), or that very
// value.
template <class Integer>
constexpr Integer kUnrepresentable = static_cast<Integer>(Integer{1} << (8 * sizeof(Integer) - 1));
template <class Integer>
Integer truncate(double a) {
    Integer result;
    asm volatile("cvttsd2si %1, %0" : "=r"(result) : "x"(a));
    return result;
}
template <class Integer>
Integer truncate(float a) {
    Integer result;
    asm volatile("cvttss2si %1, %0" : "=r"(result) : "x"(a));
    return result;
}

namespace detail {
enum class Support : std::uint8_t { Unknown, Absent, Present };
inline constinit std::atomic<Support> fused_support{Support::Unknown};

// FMA in CPUID, and the system saves the registers that its encoding implies (OSXSAVE, XCR0.{SSE,AVX}).
inline Support detect_fused() {
    std::uint32_t eax = 1, ebx, ecx = 0, edx;
    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    constexpr std::uint32_t kFma = 1u << 12, kOsxsave = 1u << 27, kAvxState = 6;
    if ((ecx & kFma) == 0 || (ecx & kOsxsave) == 0)
        return Support::Absent;
    std::uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & kAvxState) == kAvxState ? Support::Present : Support::Absent;
}
} // namespace detail

// Whether fused_multiply_add may be called.
inline bool has_fused_multiply_add() {
    detail::Support support = detail::fused_support.load(std::memory_order_relaxed);
    if (__builtin_expect(support == detail::Support::Unknown, 0)) {
        support = detail::detect_fused();
        detail::fused_support.store(support, std::memory_order_relaxed);
    }
    return support == detail::Support::Present;
}
// a * b + c, rounded once. Unlike RISC-V it need not accrue Invalid for infinity times zero plus a quiet NaN.
inline double fused_multiply_add(double a, double b, double c) {
    asm volatile("vfmadd231sd %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
    return c;
}
inline float fused_multiply_add(float a, float b, float c) {
    asm volatile("vfmadd231ss %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
    return c;
}

} // namespace ashlar::arch::fpu
