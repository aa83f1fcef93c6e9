// Integer computation and moves.
#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"
#include "jit/ir/evaluate.h"

namespace ashlar::jit::interpreter {

namespace {

template <ir::Opcode opcode>
const Op* binary(Context& context, const Op* op) {
    context.slots[op->d] = ir::evaluate(opcode, context.slots[op->a], context.slots[op->b]);
    return go_on(context, op);
}

template <ir::Opcode opcode>
const Op* binary_immediate(Context& context, const Op* op) {
    context.slots[op->d] =
        ir::evaluate(opcode, context.slots[op->a], static_cast<std::uint64_t>(std::int64_t{op->imm}));
    return go_on(context, op);
}

template <ir::Opcode opcode>
const Op* unary(Context& context, const Op* op) {
    context.slots[op->d] = ir::evaluate(opcode, context.slots[op->a]);
    return go_on(context, op);
}

const Op* copy(Context& context, const Op* op) {
    context.slots[op->d] = context.slots[op->a];
    return go_on(context, op);
}

const Op* load_immediate(Context& context, const Op* op) {
    context.slots[op->d] = static_cast<std::uint64_t>(std::int64_t{op->imm});
    return go_on(context, op);
}

const Op* load_wide(Context& context, const Op* op) {
    context.slots[op->d] = reinterpret_cast<const WideConstant*>(op + 1)->value;
    return go_to(context, op + 2);
}

const Op* pc_relative(Context& context, const Op* op) {
    context.slots[op->d] = context.slots[ir::kPcSlot] + static_cast<std::uint64_t>(std::int64_t{op->imm});
    return go_on(context, op);
}

constexpr Handler kBinary[] = {
#define ASHLAR_HANDLER(name, text, signature, flags) binary<ir::Opcode::name>,
    ASHLAR_IR_BINARY(ASHLAR_HANDLER)
#undef ASHLAR_HANDLER
};
constexpr Handler kBinaryImmediate[] = {
#define ASHLAR_HANDLER(name, text, signature, flags) binary_immediate<ir::Opcode::name>,
    ASHLAR_IR_BINARY(ASHLAR_HANDLER)
#undef ASHLAR_HANDLER
};
constexpr Handler kUnary[] = {
#define ASHLAR_HANDLER(name, text, signature, flags) unary<ir::Opcode::name>,
    ASHLAR_IR_UNARY(ASHLAR_HANDLER)
#undef ASHLAR_HANDLER
};

constexpr std::size_t number(ir::Opcode opcode) {
    return static_cast<std::size_t>(opcode);
}

} // namespace

Handler binary_handler(ir::Opcode opcode) {
    ASHLAR_ASSERT(ir::is_binary(opcode));
    return kBinary[number(opcode)];
}
Handler binary_immediate_handler(ir::Opcode opcode) {
    ASHLAR_ASSERT(ir::is_binary(opcode));
    return kBinaryImmediate[number(opcode)];
}
Handler unary_handler(ir::Opcode opcode) {
    ASHLAR_ASSERT(ir::is_unary(opcode));
    return kUnary[number(opcode) - std::size(kBinary)];
}
Handler copy_handler() {
    return copy;
}
Handler load_immediate_handler() {
    return load_immediate;
}
Handler load_wide_handler() {
    return load_wide;
}
Handler pc_relative_handler() {
    return pc_relative;
}

} // namespace ashlar::jit::interpreter
