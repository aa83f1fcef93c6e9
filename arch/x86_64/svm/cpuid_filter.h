// What a VM sees of the CPU.
#pragma once

#include <cstdint>

#include "arch/x86_64/common/registers.h"

namespace ashlar::arch::svm {

// The host's answer to `leaf` made into the VM's. `osxsave`: the VM's CR4.OSXSAVE.
Cpuid filter_cpuid(std::uint32_t leaf, std::uint32_t subleaf, Cpuid host, bool osxsave);

} // namespace ashlar::arch::svm
