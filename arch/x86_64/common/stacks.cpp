#include "arch/x86_64/common/stacks.h"

#include "arch/x86_64/common/stack_size.h"
#include "lib/assert.h"

namespace ashlar::arch {
namespace {

template <std::size_t Size>
struct GuardedStack {
    static_assert(STACK_GUARD_SIZE == kPageSize && Size % kPageSize == 0);
    alignas(kPageSize) std::byte guard[STACK_GUARD_SIZE];
    std::byte stack[Size];
};

} // namespace

extern "C" {
[[gnu::section(".stacks,\"aw\",@nobits#")]] constinit GuardedStack<MAIN_STACK_SIZE> main_stack{};
[[gnu::section(".stacks,\"aw\",@nobits#")]] constinit GuardedStack<INTERRUPT_STACK_SIZE>
    interrupt_stacks[kInterruptStacks]{};
}

namespace {

struct Extent {
    std::uint64_t guard, bottom, top;
};

template <std::size_t Size>
Extent extent_of(const GuardedStack<Size>& stack) {
    const auto bottom = reinterpret_cast<std::uint64_t>(stack.stack);
    return {reinterpret_cast<std::uint64_t>(stack.guard), bottom, bottom + Size};
}

Extent extent(unsigned stack) {
    ASHLAR_ASSERT(stack < kStacks);
    return stack == kMainStack ? extent_of(main_stack) : extent_of(interrupt_stacks[stack - 1]);
}

} // namespace

std::uint64_t stack_top(unsigned stack) {
    return extent(stack).top;
}

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
