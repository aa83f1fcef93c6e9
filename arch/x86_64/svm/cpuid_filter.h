// What a VM sees of the CPU: what is listed here and the machine has. Anything else, known or yet to be
// invented, may bring state that we do not switch or MSRs that we do not offer.
#pragma once

#include <cstdint>

#include "arch/x86_64/common/registers.h"

namespace ashlar::arch::svm {

// Components of extended state that a VM may enable, if the machine has them.
constexpr std::uint64_t kOfferedState = kXcr0X87 | kXcr0Sse | kXcr0Avx;

// Whether the VM may set XCR0 to `value` on a machine that has the components `supported` (APM volume 2,
// 11.5.2): x87 always, AVX only with SSE.
constexpr bool is_valid_xcr0(std::uint64_t value, std::uint64_t supported) {
    return (value & ~(supported & kOfferedState)) == 0 && (value & kXcr0X87) != 0 &&
           ((value & kXcr0Avx) == 0 || (value & kXcr0Sse) != 0);
}

// The machine's answer to `leaf` made into the VM's. `osxsave`: the VM's CR4.OSXSAVE.
Cpuid filter_cpuid(std::uint32_t leaf, std::uint32_t subleaf, Cpuid machine, bool osxsave);

} // namespace ashlar::arch::svm
