// The hypervisor's stacks, each with an unmapped page below it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/address.h"

namespace ashlar::arch {

// Stack 0 (SP_EL0) runs the program, stack 1 (SP_EL2) exceptions and interrupts.
constexpr unsigned kStacks = 2;

// The page below the stack.
VirtualAddress stack_guard(unsigned stack);
bool is_stack_guard(std::uint64_t address);
// Whether `size` bytes at `address` lie on one of the stacks.
bool is_on_stack(std::uint64_t address, std::size_t size);

} // namespace ashlar::arch
