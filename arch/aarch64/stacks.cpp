#include "arch/aarch64/stacks.h"

#include "arch/aarch64/memory_layout.h"
#include "lib/assert.h"

namespace ashlar::arch {

// Of boot/entry.S.
extern "C" const std::byte main_stack_guard[], main_stack_top[], exception_stack_guard[],
    exception_stack_top[];

namespace {

struct Extent {
    std::uint64_t guard, bottom, top;
};

Extent extent(unsigned stack) {
    static_assert(STACK_GUARD_SIZE == kPageSize);
    ASHLAR_ASSERT(stack < kStacks);
    const auto guard = reinterpret_cast<std::uint64_t>(stack == 0 ? main_stack_guard : exception_stack_guard);
    const auto top = reinterpret_cast<std::uint64_t>(stack == 0 ? main_stack_top : exception_stack_top);
    return {guard, guard + STACK_GUARD_SIZE, top};
}

} // namespace

VirtualAddress stack_guard(unsigned stack) {
    return VirtualAddress(extent(stack).guard);
}

bool is_stack_guard(std::uint64_t address) {
    for (unsigned stack = 0; stack < kStacks; ++stack)
        if (VirtualAddress(address).align_down(kPageSize) == stack_guard(stack))
            return true;
    return false;
}

bool is_on_stack(std::uint64_t address, std::size_t size) {
    for (unsigned stack = 0; stack < kStacks; ++stack) {
        const Extent range = extent(stack);
        if (address >= range.bottom && address <= range.top - size)
            return true;
    }
    return false;
}

} // namespace ashlar::arch
