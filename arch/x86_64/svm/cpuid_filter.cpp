#include "arch/x86_64/svm/cpuid_filter.h"

namespace ashlar::arch::svm {
namespace {

constexpr std::uint32_t bit(unsigned number) {
    return std::uint32_t{1} << number;
}

// "AshlarAshlar", in the order ebx, ecx, edx.
constexpr std::uint32_t kSignature[3] = {0x6c687341, 0x73417261, 0x72616c68};

} // namespace

Cpuid filter_cpuid(std::uint32_t leaf, std::uint32_t subleaf, Cpuid host, bool osxsave) {
    switch (leaf) {
    case 1:
        // No VMX, MONITOR, PDCM, PCID, x2APIC, TSC deadline; OSXSAVE is the VM's. A hypervisor is present.
        host.ecx &= ~(bit(3) | bit(5) | bit(15) | bit(17) | bit(21) | bit(24) | bit(27));
        host.ecx |= bit(31) | (osxsave ? bit(27) : 0);
        // No MCE, APIC, MTRR, MCA, debug store, ACPI.
        host.edx &= ~(bit(7) | bit(9) | bit(12) | bit(14) | bit(21) | bit(22));
        host.ebx = (host.ebx & 0x0000'ffff) | 1u << 16; // APIC 0, one logical CPU
        return host;
    case 5:   // MONITOR
    case 0xa: // performance monitoring
    case 0xb: // x2APIC topology
    case 0xf: // resource monitoring
    case 0x10:
    case 0x12: // SGX
    case 0x14: // processor trace
    case 0x1f: return {};
    case 7:
        if (subleaf != 0)
            return {};
        host.eax = 0;
        host.ebx &= ~(bit(2) | bit(12) | bit(14) | bit(15) | bit(25)); // SGX, RDT, MPX, PT
        host.ecx &= ~(bit(3) | bit(4) | bit(16) | bit(22) | bit(30));  // PKU, LA57, RDPID, SGX_LC
        host.edx = 0;                                                  // speculation controls, AMX
        return host;
    case 0xd:
        if (subleaf == 1)
            host.eax &= ~(bit(3) | bit(4)); // XSAVES, XFD
        return host;
    case 0x4000'0000: return {0x4000'0000, kSignature[0], kSignature[1], kSignature[2]};
    case 0x8000'0001:
        // No SVM, extended APIC space, OSVW, IBS, SKINIT, WDT, LWP, node id, performance counters, MWAITX.
        host.ecx &= ~(bit(2) | bit(3) | bit(9) | bit(10) | bit(12) | bit(13) | bit(15) | bit(19) | bit(23) |
                      bit(24) | bit(27) | bit(28) | bit(29));
        host.edx &= ~(bit(7) | bit(9) | bit(12) | bit(14) | bit(25) | bit(27)); // as in leaf 1; FFXSR, RDTSCP
        return host;
    case 0x8000'0007: return {0, 0, 0, host.edx & bit(8)}; // invariant TSC
    case 0x8000'0008:
        host.ebx = 0;
        host.ecx = 0;
        return host;
    case 0x8000'000a:            // SVM
    case 0x8000'001b:            // IBS
    case 0x8000'001c:            // LWP
    case 0x8000'001e:            // topology
    case 0x8000'001f: return {}; // memory encryption
    default: break;
    }
    if (leaf > 0x4000'0000 && leaf < 0x5000'0000)
        return {};
    return host;
}

} // namespace ashlar::arch::svm
