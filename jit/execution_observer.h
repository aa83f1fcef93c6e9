// Hears of every piece of translated code that runs, for traces.
#pragma once

#include <cstdint>
#include <span>

#include "jit/frontend/riscv64/state.h"
#include "lib/address.h"

namespace ashlar::jit {

struct ExecutedPart {
    std::int64_t offset = 0; // from where the execution began
    std::uint32_t bytes = 0;
};

struct Execution {
    std::uint64_t hart = 0;
    riscv64::Privilege privilege{}; // that it began in
    unsigned tier = 0;
    GuestVirtualAddress virtual_address;
    GuestPhysicalAddress physical_address;
    // The guest code: a block, or what a region consists of.
    std::span<const ExecutedPart> parts{};
    // Completed: fewer than the block has when it was left in its middle. Of a region a way through it, at
    // most once round a loop.
    std::uint64_t instructions = 0;
};

// With an observer code is not linked: every block and region returns to the run loop, which is slow, but
// nothing that runs goes unnoticed.
class ExecutionObserver {
public:
    virtual void executed(const Execution& execution) = 0;

protected:
    ~ExecutionObserver() = default;
};

} // namespace ashlar::jit
