// Counts executions of a block, for promotion to the next tier.
#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"

namespace ashlar::jit::interpreter {

namespace {

const Op* count(Context& context, const Op* op) {
    if (__builtin_expect(--const_cast<Op*>(op)->imm != 0, 1))
        return go_on(context, op);
    context.exit = {Exit::Kind::Promote, 0, reinterpret_cast<std::uintptr_t>(op)};
    return nullptr;
}

} // namespace

Handler count_handler() {
    return count;
}

} // namespace ashlar::jit::interpreter
