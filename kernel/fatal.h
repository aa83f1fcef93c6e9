// The last words of a hypervisor that cannot go on. Each architecture prints its registers between them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::kernel {

// Interrupts are off from here on. A second failure on the way does not start over: it switches off.
void enter_fatal();

// Whether `size` bytes at `address` lie on one of the stacks.
using IsOnStack = bool (*)(std::uint64_t address, std::size_t size);
// Prints the call chain from `pc` on, with the names of functions. `frame_pointer` is the address of a pair
// of the caller's frame pointer and the return address, as the x86-64 and AArch64 procedure call standards
// have it; what does not lie on a stack is not followed.
void print_backtrace(std::uint64_t pc, std::uint64_t frame_pointer, IsOnStack is_on_stack);

// What assertion_failed() comes to.
[[noreturn]] void fatal_assertion(const char* expression, const char* file, int line, std::uint64_t pc,
                                  std::uint64_t frame_pointer, IsOnStack is_on_stack);

} // namespace ashlar::kernel
