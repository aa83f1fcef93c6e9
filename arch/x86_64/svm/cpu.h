// What the machine's SVM can do, and what all virtual CPUs share.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/bytes.h"

namespace ashlar::arch::svm {

struct Features {
    std::uint32_t asids = 0; // address-space identifiers, 0 (the host's) included
    bool next_rip = false, flush_by_asid = false;
    bool predictor_barrier = false;
    bool xsave = false;
    std::uint64_t xcr0 = 0;       // all state components of the CPU
    std::uint32_t state_size = 0; // bytes that XSAVE of all of them (or FXSAVE) takes
};
const Features& features();

PhysicalAddress host_state();       // what VMLOAD restores for us
PhysicalAddress port_permissions(); // IOPM: every port intercepted
PhysicalAddress msr_permissions();  // MSRPM

// Extended state of the running CPU, to and from an area of Features::state_size bytes, 64-byte aligned.
void save_extended_state(std::byte* area);
void restore_extended_state(const std::byte* area);

// What one VM has taught the branch predictor shall not steer another, where the CPU can forget it.
void predictor_barrier();

} // namespace ashlar::arch::svm
