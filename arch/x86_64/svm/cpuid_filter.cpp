#include "arch/x86_64/svm/cpuid_filter.h"

#include <algorithm>

namespace ashlar::arch::svm {
namespace {

template <class... Bits>
constexpr std::uint32_t bits(Bits... numbers) {
    return ((std::uint32_t{1} << numbers) | ...);
}

constexpr std::uint32_t kLargestLeaf = 0xd, kLargestExtendedLeaf = 0x8000'0008, kHypervisorLeaf = 0x4000'0000;
constexpr std::uint32_t kOsXsave = 27, kHypervisorPresent = 31;

// Leaf 1. Not offered: VMX, MONITOR, performance counters, PCID, x2APIC, TSC deadline, MCE, MCA, APIC, MTRR.
constexpr std::uint32_t kLeaf1Ecx =
    bits(0 /* SSE3 */, 1 /* PCLMULQDQ */, 9 /* SSSE3 */, 12 /* FMA */, 13 /* CMPXCHG16B */, 19 /* SSE4.1 */,
         20 /* SSE4.2 */, 22 /* MOVBE */, 23 /* POPCNT */, 25 /* AES */, 26 /* XSAVE */, 28 /* AVX */,
         29 /* F16C */, 30 /* RDRAND */);
// Bits that leaf 0x80000001 repeats.
constexpr std::uint32_t kCommonEdx =
    bits(0 /* x87 */, 1 /* VME */, 2 /* DE */, 3 /* PSE */, 4 /* TSC */, 5 /* MSR */, 6 /* PAE */,
         8 /* CMPXCHG8B */, 13 /* PGE */, 15 /* CMOV */, 16 /* PAT */, 17 /* PSE-36 */, 23 /* MMX */,
         24 /* FXSR */);
constexpr std::uint32_t kLeaf1Edx =
    kCommonEdx | bits(11 /* SYSENTER */, 19 /* CLFLUSH */, 25 /* SSE */, 26 /* SSE2 */);
// Not offered: TSX, MPX, AVX-512, SGX, PKU, LA57, CET, AMX, controls of speculation.
constexpr std::uint32_t kLeaf7Ebx =
    bits(0 /* FSGSBASE */, 3 /* BMI1 */, 5 /* AVX2 */, 6 /* FDP only on exceptions */, 7 /* SMEP */,
         8 /* BMI2 */, 9 /* ERMS */, 13 /* no FCS, FDS */, 18 /* RDSEED */, 19 /* ADX */, 20 /* SMAP */,
         23 /* CLFLUSHOPT */, 24 /* CLWB */, 29 /* SHA */);
constexpr std::uint32_t kLeaf7Ecx =
    bits(2 /* UMIP */, 8 /* GFNI */, 9 /* VAES */, 10 /* VPCLMULQDQ */, 27 /* MOVDIRI */, 28 /* MOVDIR64B */);
constexpr std::uint32_t kLeaf7Edx = bits(4 /* FSRM */, 14 /* SERIALIZE */);
// Not offered: SVM, SKINIT, RDTSCP, counters, IBS, LWP, breakpoint extensions, MWAITX.
constexpr std::uint32_t kExtendedEcx =
    bits(0 /* LAHF */, 4 /* LOCK MOV CR0 */, 5 /* LZCNT */, 6 /* SSE4A */, 7 /* misaligned SSE */,
         8 /* PREFETCHW */, 11 /* XOP */, 16 /* FMA4 */, 21 /* TBM */);
constexpr std::uint32_t kExtendedEdx =
    kCommonEdx | bits(11 /* SYSCALL */, 20 /* NX */, 22 /* MMX extensions */, 26 /* 1 GiB pages */,
                      29 /* long mode */, 30, 31 /* 3DNow! */);
constexpr std::uint32_t kInvariantTsc = bits(8);
constexpr std::uint32_t kXsaveInstructions = bits(0 /* XSAVEOPT */, 1 /* XSAVEC */, 2 /* XGETBV of 1 */);

Cpuid extended_state(std::uint32_t subleaf, const Cpuid& machine) {
    constexpr std::uint32_t kLegacySize = 576, kAvxSize = 256; // the header included
    switch (subleaf) {
    case 0: {
        const std::uint32_t offered = machine.eax & static_cast<std::uint32_t>(kOfferedState);
        const std::uint32_t largest = kLegacySize + ((offered & kXcr0Avx) != 0 ? kAvxSize : 0);
        return {offered, machine.ebx, largest, 0}; // ebx: for what the VM has enabled
    }
    case 1: return {machine.eax & kXsaveInstructions, machine.ebx, 0, 0};
    case 2: return {machine.eax, machine.ebx, 0, 0}; // AVX
    default: return {};
    }
}

} // namespace

Cpuid filter_cpuid(std::uint32_t leaf, std::uint32_t subleaf, Cpuid machine, bool osxsave) {
    switch (leaf) {
    case 0: return {std::min(machine.eax, kLargestLeaf), machine.ebx, machine.ecx, machine.edx};
    case 1:
        // APIC 0, one logical CPU.
        return {machine.eax, (machine.ebx & 0xffff) | 1u << 16,
                (machine.ecx & kLeaf1Ecx) | bits(kHypervisorPresent) | (osxsave ? bits(kOsXsave) : 0),
                machine.edx & kLeaf1Edx};
    case 7:
        if (subleaf != 0)
            return {};
        return {0, machine.ebx & kLeaf7Ebx, machine.ecx & kLeaf7Ecx, machine.edx & kLeaf7Edx};
    case 0xd: return extended_state(subleaf, machine);
    case kHypervisorLeaf: // "AshlarAshlar"
        return {kHypervisorLeaf, 0x6c687341, 0x73417261, 0x72616c68};
    case 0x8000'0000:
        return {std::min(machine.eax, kLargestExtendedLeaf), machine.ebx, machine.ecx, machine.edx};
    case 0x8000'0001: return {machine.eax, 0, machine.ecx & kExtendedEcx, machine.edx & kExtendedEdx};
    case 0x8000'0002: // the name
    case 0x8000'0003:
    case 0x8000'0004:
    case 0x8000'0005: // caches
    case 0x8000'0006: return machine;
    case 0x8000'0007: return {0, 0, 0, machine.edx & kInvariantTsc};
    case 0x8000'0008: return {machine.eax & 0xffff, 0, 0, 0}; // widths of addresses
    default: return {};
    }
}

} // namespace ashlar::arch::svm
