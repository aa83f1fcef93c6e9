// What the machine's EL2 can do.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch::el2 {

constexpr std::size_t kMaxVmids = 256; // every CPU has 8 bits of them

struct Features {
    unsigned physical_width = 0; // bits, as ID_AA64MMFR0_EL1.PARange encodes them
    unsigned list_registers = 0; // that we use
    bool notes_access = false;   // FEAT_HAFDBS: sets access flags by itself
};
const Features& features();

} // namespace ashlar::arch::el2
