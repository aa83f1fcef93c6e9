// What host code needs to answer a miss of the first level from the second by itself.
#pragma once

#include <cstdint>

#include "jit/mmu/page.h"

namespace ashlar::jit::mmu {

// As the selected context has it. Host code finds the fields by their offsets.
struct HostView {
    const void* sets = nullptr;          // of the second level: see SecondLevelTlb::Set
    std::uint8_t* states = nullptr;      // one for each set
    const std::uint8_t* used = nullptr;  // the state after a use: [4 * state + way]
    std::uint64_t local = 0, global = 0; // as OwnerKeys
    std::uint32_t levels = 0;            // likewise; 0: nothing is to be found
    // Bits of an entry's value with which loads, and stores, are the MMU's matter.
    std::uint32_t unfit_to_load = 0, unfit_to_store = 0;
    std::uint64_t ram = 0;         // turns addresses of guest RAM into the host's
    std::uint8_t* marks = nullptr; // GuestMemory's of the page at guest-physical address 0, if there were one
    std::uint64_t answered = 0;    // misses of the first level
};

} // namespace ashlar::jit::mmu
