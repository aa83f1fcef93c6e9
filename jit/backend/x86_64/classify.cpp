#include "jit/backend/x86_64/classify.h"

#include <initializer_list>

#include "jit/interpreter/handlers.h"
#include "lib/assert.h"

namespace ashlar::jit::x86_64 {

using interpreter::Handler;

Classifier::Classifier() {
#define ASHLAR_ADD(name, text, signature, flags)                                                             \
    add(interpreter::binary_handler(ir::Opcode::name), {Shape::Binary, ir::Opcode::name});                   \
    add(interpreter::binary_immediate_handler(ir::Opcode::name), {Shape::BinaryImmediate, ir::Opcode::name});
    ASHLAR_IR_BINARY(ASHLAR_ADD)
#undef ASHLAR_ADD
#define ASHLAR_ADD(name, text, signature, flags)                                                             \
    add(interpreter::unary_handler(ir::Opcode::name), {Shape::Unary, ir::Opcode::name});
    ASHLAR_IR_UNARY(ASHLAR_ADD)
#undef ASHLAR_ADD
    add(interpreter::copy_handler(), {Shape::Copy});
    add(interpreter::load_immediate_handler(), {Shape::LoadImmediate});
    add(interpreter::load_wide_handler(), {Shape::LoadWide});
    add(interpreter::pc_relative_handler(), {Shape::PcRelative});
    for (const std::uint8_t width : std::initializer_list<std::uint8_t>{1, 2, 4, 8}) {
        for (const ir::Extension extension : {ir::Extension::Zero, ir::Extension::Sign})
            add(interpreter::load_handler(width, extension), {Shape::Load, {}, extension, {}, width});
        add(interpreter::store_handler(width), {Shape::Store, {}, {}, {}, width});
    }
    add(interpreter::load_handler(4, ir::Extension::Box), {Shape::Load, {}, ir::Extension::Box, {}, 4});
    for (const std::uint8_t width : std::initializer_list<std::uint8_t>{4, 8}) {
        for (std::uint8_t operation = 0; operation < ir::kAtomicOperations; ++operation)
            add(interpreter::atomic_handler(static_cast<ir::AtomicOperation>(operation), width),
                {Shape::Atomic, {}, {}, {}, width, {}, operation});
        add(interpreter::load_reserved_handler(width), {Shape::LoadReserved, {}, {}, {}, width});
        add(interpreter::store_conditional_handler(width), {Shape::StoreConditional, {}, {}, {}, width});
    }
    add(interpreter::fence_handler(), {Shape::Fence});
    add(interpreter::guard_handler(), {Shape::Guard});
    add(interpreter::jump_handler(), {Shape::Jump});
    for (unsigned condition = 0; condition < 6; ++condition) {
        const auto value = static_cast<ir::Condition>(condition);
        add(interpreter::branch_handler(value), {Shape::Branch, {}, {}, value});
    }
    add(interpreter::jump_indirect_handler(), {Shape::JumpIndirect});
    add(interpreter::call_if_handler(), {Shape::CallIf, {}, {}, ir::Condition::NotEqual});
    add(interpreter::call_unless_handler(), {Shape::CallIf, {}, {}, ir::Condition::Equal});
    add(interpreter::call_exit_handler(), {Shape::Leave});
    add(interpreter::raise_handler(), {Shape::Leave});
    add_float(ir::Opcode::FloatArithmetic, 5);
    add_float(ir::Opcode::FloatFused, 4);
    add_float(ir::Opcode::FloatCompare, 3);
    add_float(ir::Opcode::FloatMinimum, 1);
    add_float(ir::Opcode::FloatMaximum, 1);
    add_float(ir::Opcode::FloatSign, 3);
    add_float(ir::Opcode::FloatClassify, 1);
    add_float(ir::Opcode::FloatToInteger, 4);
    add_float(ir::Opcode::FloatFromInteger, 4);
    add_float(ir::Opcode::FloatWiden, 1);
    add_float(ir::Opcode::FloatNarrow, 1);
    add_float(ir::Opcode::FloatToBits, 1);
    add_float(ir::Opcode::FloatFromBits, 1);
}

// Handlers that several operations share count as the first.
void Classifier::add(Handler handler, const OpClass& op_class) {
    ASHLAR_ASSERT(handler != nullptr && count_ < kEntries / 2);
    ++count_;
    std::size_t i = place(handler);
    while (entries_[i].handler != nullptr && entries_[i].handler != handler)
        i = (i + 1) % kEntries;
    if (entries_[i].handler == nullptr)
        entries_[i] = {handler, op_class};
}

void Classifier::add_float(ir::Opcode opcode, std::uint8_t attributes) {
    for (std::uint8_t attribute = 0; attribute < attributes; ++attribute)
        for (const ir::Precision precision : {ir::Precision::Single, ir::Precision::Double}) {
            ir::Instruction instruction;
            instruction.opcode = opcode;
            instruction.precision = precision;
            instruction.attribute = attribute;
            const Handler handler = interpreter::float_handler(instruction);
            add(handler, {Shape::Float, opcode, {}, {}, 0, precision, attribute});
        }
}

} // namespace ashlar::jit::x86_64
