// Hears of every piece of translated code that runs, for traces.
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/state.h"
#include "lib/address.h"

namespace ashlar::jit {

struct Execution {
    std::uint64_t hart = 0;
    riscv64::Privilege privilege{}; // that it began in
    unsigned tier = 0;
    GuestVirtualAddress virtual_address;
    GuestPhysicalAddress physical_address;
    std::uint32_t bytes = 0;        // of guest code
    std::uint64_t instructions = 0; // completed; fewer than the block has when it was left in its middle
};

// With an observer code is not linked: every block returns to the run loop, which is slow, but nothing that
// runs goes unnoticed.
class ExecutionObserver {
public:
    virtual void executed(const Execution& execution) = 0;

protected:
    ~ExecutionObserver() = default;
};

} // namespace ashlar::jit
