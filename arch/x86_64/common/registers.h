// Control registers and the instructions around them, for code in ring 0.
#pragma once

#include <cstdint>

namespace ashlar::arch {

constexpr std::uint64_t kCr0MonitorCoprocessor = 1 << 1;
constexpr std::uint64_t kCr0Emulation = 1 << 2;
constexpr std::uint64_t kCr0TaskSwitched = 1 << 3;
constexpr std::uint64_t kCr0NumericError = 1 << 5;
constexpr std::uint64_t kCr0WriteProtect = 1 << 16;

constexpr std::uint64_t kCr4OsFxsr = 1 << 9;
constexpr std::uint64_t kCr4OsXmmExceptions = 1 << 10;
constexpr std::uint64_t kCr4Umip = 1 << 11;
constexpr std::uint64_t kCr4OsXsave = 1 << 18;
constexpr std::uint64_t kCr4Smep = 1 << 20;
constexpr std::uint64_t kCr4Smap = 1 << 21;

constexpr std::uint32_t kMsrEfer = 0xc000'0080;
constexpr std::uint64_t kEferNoExecute = 1 << 11;

constexpr std::uint64_t kXcr0X87 = 1 << 0;
constexpr std::uint64_t kXcr0Sse = 1 << 1;
constexpr std::uint64_t kXcr0Avx = 1 << 2;

struct Cpuid {
    std::uint32_t eax, ebx, ecx, edx;
};
inline Cpuid cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    Cpuid result;
    asm volatile("cpuid"
                 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                 : "a"(leaf), "c"(subleaf));
    return result;
}

inline std::uint64_t read_cr2() {
    std::uint64_t value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline std::uint64_t read_cr3() {
    std::uint64_t value;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(std::uint64_t value) {
    asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}
inline std::uint64_t read_cr4() {
    std::uint64_t value;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(std::uint64_t value) {
    asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}
inline std::uint64_t read_msr(std::uint32_t msr) {
    std::uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return std::uint64_t{high} << 32 | low;
}
inline void write_msr(std::uint32_t msr, std::uint64_t value) {
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"(static_cast<std::uint32_t>(value)),
                   "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}
inline void write_xcr0(std::uint64_t value) {
    asm volatile("xsetbv"
                 :
                 : "c"(0), "a"(static_cast<std::uint32_t>(value)),
                   "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}

} // namespace ashlar::arch
