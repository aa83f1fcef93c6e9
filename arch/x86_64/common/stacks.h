// The stacks of a kernel of ours, each with an unmapped page below it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/address.h"

namespace ashlar::arch {

// Stack 0 runs the program; 1 and up are the interrupt stacks of the TSS by their number.
constexpr unsigned kMainStack = 0, kDoubleFaultStack = 1, kMachineStack = 2, kEventStack = 3;
constexpr unsigned kInterruptStacks = 3;
constexpr unsigned kStacks = kInterruptStacks + 1;

std::uint64_t stack_top(unsigned stack);
// The page below the stack.
VirtualAddress stack_guard(unsigned stack);
bool is_stack_guard(std::uint64_t address);
// Whether `size` bytes at `address` lie on one of the stacks.
bool is_on_stack(std::uint64_t address, std::size_t size);

} // namespace ashlar::arch
