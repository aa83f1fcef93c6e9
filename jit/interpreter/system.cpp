// Operations that the engine's helpers carry out.
#include "jit/fp_host.h"
#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"

namespace ashlar::jit::interpreter {

namespace {

// Calls the helper with pc and retired instructions exact; the block's start needs its pc again after it.
HelperOutcome call_helper(Context& context, const Op* op) {
    const Site site = site_in_operands(op);
    const std::uint64_t block_pc = context.slots[ir::kPcSlot];
    const std::uint64_t pc = block_pc + site.offset();
    context.slots[ir::kPcSlot] = pc;
    context.slots[ir::kRetiredSlot] = static_cast<std::uint64_t>(context.retired()) + site.index();
    const bool is_float = op->a >= Helpers::kFirstOfFloat;
    if (is_float)
        fp::accrue(context.slots[ir::kFloatFlagsSlot]);
    const HelperOutcome outcome =
        context.helpers->call_helper(op->a, static_cast<std::uint32_t>(op->imm), pc + site.length());
    if (is_float)
        fp::start_accruing(context.slots[ir::kRoundingSlot]);
    if (outcome == HelperOutcome::Continue || outcome == HelperOutcome::Raise)
        context.slots[ir::kPcSlot] = block_pc;
    return outcome;
}

[[gnu::noinline]] const Op* call_or_leave(Context& context, const Op* op) {
    const Site site = site_in_operands(op);
    switch (call_helper(context, op)) {
    case HelperOutcome::Continue: return go_on(context, op);
    case HelperOutcome::Leave:
    case HelperOutcome::Jump: // host code, which may have called, must be left first
        context.budget -= site.index() + 1;
        context.exit.kind = Exit::Kind::Helper;
        return nullptr;
    case HelperOutcome::Trap:
        context.budget -= site.index();
        context.exit.kind = Exit::Kind::Helper;
        return nullptr;
    case HelperOutcome::Raise: break;
    }
    return leave_with_exception(context, site, context.exit.cause, context.exit.value);
}

const Op* call(Context& context, const Op* op) {
    return call_or_leave(context, op);
}

const Op* guard(Context& context, const Op* op) {
    if (__builtin_expect(context.guard & Context::kCallHelper, 0))
        return call_or_leave(context, op);
    return go_on(context, op);
}

const Op* call_if(Context& context, const Op* op) {
    if (context.slots[op->d] != 0)
        return call_or_leave(context, op);
    return go_on(context, op);
}

const Op* call_unless(Context& context, const Op* op) {
    if (__builtin_expect(context.slots[op->d] == 0, 0))
        return call_or_leave(context, op);
    return go_on(context, op);
}

// A helper that lets the block continue at its end has completed the instruction: leave to what follows.
const Op* call_exit(Context& context, const Op* op) {
    const Site site = site_in_operands(op);
    const HelperOutcome outcome = call_helper(context, op);
    if (outcome == HelperOutcome::Raise)
        return leave_with_exception(context, site, context.exit.cause, context.exit.value);
    if (outcome == HelperOutcome::Continue)
        context.slots[ir::kPcSlot] += site.offset() + site.length();
    context.budget -= site.index() + (outcome == HelperOutcome::Trap ? 0 : 1);
    if (outcome == HelperOutcome::Jump || outcome == HelperOutcome::Trap)
        return go_to(context, through_jump_cache());
    context.exit.kind = Exit::Kind::Helper;
    return nullptr;
}

const Op* raise(Context& context, const Op* op) {
    return leave_with_exception(context, site_in_operands(op),
                                static_cast<std::uint64_t>(std::int64_t{op->imm}), context.slots[op->a]);
}

} // namespace

Handler guard_handler() {
    return guard;
}
Handler call_handler() {
    return call;
}
Handler call_if_handler() {
    return call_if;
}
Handler call_unless_handler() {
    return call_unless;
}
Handler call_exit_handler() {
    return call_exit;
}
Handler raise_handler() {
    return raise;
}

} // namespace ashlar::jit::interpreter
