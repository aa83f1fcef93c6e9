// Jumps, branches and what they reach: linked code, the jump cache, or the engine.
#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"

namespace ashlar::jit::interpreter {

namespace {

const Links* links_of(const Op* op) {
    return reinterpret_cast<const Links*>(op + 1);
}

[[gnu::noinline, gnu::cold]] const Op* leave_for_budget(Context& context) {
    context.exit = {Exit::Kind::Budget};
    return nullptr;
}

[[gnu::noinline, gnu::cold]] const Op* leave_for_lookup(Context& context, const Op** link,
                                                        std::uint64_t source) {
    context.exit = {Exit::Kind::Lookup, 0, source, link};
    return nullptr;
}

// The block is over: charges its instructions; `target` begins the code at pc.
[[gnu::always_inline]] inline const Op* end_block(Context& context, const Op* op, const Op* target) {
    if (__builtin_expect((context.budget -= op->c) <= 0, 0))
        return leave_for_budget(context);
    return go_to(context, target);
}

const Op* jump(Context& context, const Op* op) {
    context.slots[ir::kPcSlot] += static_cast<std::uint64_t>(std::int64_t{op->imm});
    return end_block(context, op, links_of(op)->taken);
}

template <ir::Condition condition>
bool holds(std::uint64_t a, std::uint64_t b) {
    using ir::Condition;
    switch (condition) {
    case Condition::Equal: return a == b;
    case Condition::NotEqual: return a != b;
    case Condition::Less: return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
    case Condition::GreaterEqual: return static_cast<std::int64_t>(a) >= static_cast<std::int64_t>(b);
    case Condition::LessUnsigned: return a < b;
    case Condition::GreaterEqualUnsigned: return a >= b;
    }
    return false;
}

template <ir::Condition condition>
const Op* branch(Context& context, const Op* op) {
    if (holds<condition>(context.slots[op->a], context.slots[op->b])) {
        context.slots[ir::kPcSlot] += static_cast<std::uint64_t>(std::int64_t{op->imm});
        return end_block(context, op, links_of(op)->taken);
    }
    context.slots[ir::kPcSlot] += std::uint64_t{op->d} * 2;
    return end_block(context, op, links_of(op)->not_taken);
}

[[gnu::always_inline]] inline const Op* find_cached(Context& context) {
    const std::uint64_t pc = context.slots[ir::kPcSlot];
    if (const Op* const code = context.cached_code(pc); __builtin_expect(code != nullptr, 1))
        return go_to(context, code);
    return leave_for_lookup(context, nullptr, 0);
}

const Op* jump_cached(Context& context, const Op*) {
    return find_cached(context);
}

const Op* jump_indirect(Context& context, const Op* op) {
    context.slots[ir::kPcSlot] =
        (context.slots[op->a] + static_cast<std::uint64_t>(std::int64_t{op->imm})) & ~std::uint64_t{1};
    if (__builtin_expect((context.budget -= op->c) <= 0, 0))
        return leave_for_budget(context);
    return find_cached(context);
}

// Behind a terminator: [terminator][Links][link_taken][link_not_taken].
std::uint64_t source_of(const Context& context, const Op* op) {
    return context.slots[ir::kPcSlot] - static_cast<std::uint64_t>(std::int64_t{op->imm});
}
const Op* link_taken(Context& context, const Op* op) {
    Links* const links = reinterpret_cast<Links*>(const_cast<Op*>(op) - 1);
    return leave_for_lookup(context, &links->taken, source_of(context, op));
}
const Op* link_not_taken(Context& context, const Op* op) {
    Links* const links = reinterpret_cast<Links*>(const_cast<Op*>(op) - 2);
    return leave_for_lookup(context, &links->not_taken, source_of(context, op));
}

constexpr Handler kBranch[] = {
    branch<ir::Condition::Equal>,        branch<ir::Condition::NotEqual>,
    branch<ir::Condition::Less>,         branch<ir::Condition::GreaterEqual>,
    branch<ir::Condition::LessUnsigned>, branch<ir::Condition::GreaterEqualUnsigned>};

constexpr Op kThroughJumpCache{jump_cached};

} // namespace

Handler jump_handler() {
    return jump;
}
Handler branch_handler(ir::Condition condition) {
    return kBranch[static_cast<std::size_t>(condition)];
}
Handler jump_indirect_handler() {
    return jump_indirect;
}
Handler link_taken_handler() {
    return link_taken;
}
Handler link_not_taken_handler() {
    return link_not_taken;
}
const Op* through_jump_cache() {
    return &kThroughJumpCache;
}

} // namespace ashlar::jit::interpreter
