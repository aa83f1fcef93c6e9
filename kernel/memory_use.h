// What a VM has mapped, and what of that it uses: for the console.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/address_space.h"

namespace ashlar::kernel {

struct MemoryUse {
    std::array<std::uint64_t, 3> leaves{}; // of 4 KiB, 2 MiB and 1 GiB
    std::uint64_t used_bytes = 0;          // in leaves that the VM has accessed since the last time
};

// The VM's lock is held. Its CPUs forget their translations, since they note only the first use of one.
MemoryUse take_memory_use(AddressSpace& space);

} // namespace ashlar::kernel
