// One descriptor per implemented CSR: who may access it, how it is read, what a write does.
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/privileged.h"
#include "jit/frontend/riscv64/state.h"

namespace ashlar::jit::riscv64 {

struct CsrRead {
    const HartState& hart;
    TimeSource& time;
    std::uint16_t number;
};
struct CsrWrite {
    HartState& hart;
    TimeSource& time;
    std::uint16_t number;
    std::uint64_t value;
};

struct CsrDescriptor {
    std::uint16_t first, last; // the numbers it stands for
    const char* name;
    // Conditions beyond the privilege that the number encodes; nullptr: none.
    bool (*allowed)(const HartState& hart, std::uint16_t number);
    std::uint64_t (*read)(const CsrRead& access);
    // nullptr: writes are allowed and ignored.
    Effect (*write)(const CsrWrite& access);
};

// nullptr when this hart does not implement the number.
const CsrDescriptor* find_csr(std::uint16_t number);

} // namespace ashlar::jit::riscv64
