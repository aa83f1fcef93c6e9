// Internal to the interpreter: how handlers go on, and how they leave.
#pragma once

#include "jit/interpreter/op.h"

// Tail calls need an optimizing build without instrumentation of the stack.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&              \
    !defined(ASHLAR_INTERPRETER_TRAMPOLINE)
#define ASHLAR_TAIL_CALLS 1
#else
#define ASHLAR_TAIL_CALLS 0
#endif

namespace ashlar::jit::interpreter {

[[gnu::always_inline]] inline const Op* go_to(Context& context, const Op* op) {
    if constexpr (ASHLAR_TAIL_CALLS)
        return op->handler(context, op);
    else
        return op;
}
[[gnu::always_inline]] inline const Op* go_on(Context& context, const Op* op) {
    const Op* next = op + 1;
    asm("" : "+r"(next)); // one addition and one jump through memory, where GCC would take four instructions
    return go_to(context, next);
}

inline Site site_in_operands(const Op* op) {
    return {op->b, op->c};
}
inline Site site_in_immediate(const Op* op) {
    return {static_cast<std::uint8_t>(op->imm), static_cast<std::uint8_t>(op->imm >> 8)};
}
constexpr std::int32_t pack(Site site) {
    return site.half_offset | site.index_and_length << 8;
}

// The instruction at `site` does not complete.
[[gnu::noinline, gnu::cold]] const Op* leave_with_exception(Context& context, Site site, std::uint64_t cause,
                                                            std::uint64_t value);
[[gnu::noinline, gnu::cold]] const Op* leave_with_illegal(Context& context, Site site);
// The memory access at `site` failed.
[[gnu::noinline, gnu::cold]] const Op* leave_with_fault(Context& context, Site site);
// The instruction at `site` is complete, and what follows it in the block may be stale.
[[gnu::noinline, gnu::cold]] const Op* leave_after(Context& context, Site site);

} // namespace ashlar::jit::interpreter
