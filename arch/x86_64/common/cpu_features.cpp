#include "arch/x86_64/common/cpu_features.h"

#include "arch/x86_64/common/registers.h"

namespace ashlar::arch {

void enable_cpu_features() {
    constexpr std::uint32_t kXsave = 1 << 26, kAvx = 1 << 28;                // CPUID 1, ecx
    constexpr std::uint32_t kSmep = 1 << 7, kSmap = 1 << 20, kUmip = 1 << 2; // CPUID 7, ebx, ebx, ecx
    std::uint64_t cr4 = read_cr4() | kCr4OsFxsr | kCr4OsXmmExceptions;
    const Cpuid basic = cpuid(1);
    if ((basic.ecx & kXsave) != 0)
        cr4 |= kCr4OsXsave;
    if (cpuid(0).eax >= 7) {
        const Cpuid extended = cpuid(7);
        cr4 |= (extended.ebx & kSmep) != 0 ? kCr4Smep : 0;
        cr4 |= (extended.ebx & kSmap) != 0 ? kCr4Smap : 0;
        cr4 |= (extended.ecx & kUmip) != 0 ? kCr4Umip : 0;
    }
    write_cr4(cr4);
    if ((basic.ecx & kXsave) != 0)
        write_xcr0(kXcr0X87 | kXcr0Sse | ((basic.ecx & kAvx) != 0 ? kXcr0Avx : 0));
    write_msr(kMsrEfer, read_msr(kMsrEfer) | kEferNoExecute);
}

} // namespace ashlar::arch
