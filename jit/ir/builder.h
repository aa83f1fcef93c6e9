// Appends typed operations to a block.
#pragma once

#include "jit/ir/block.h"

namespace ashlar::jit::ir {

// What a memory operation needs beside its operands.
struct MemoryAccess {
    std::uint8_t width;
    Extension extension = Extension::Zero;
    std::uint8_t ordering = 0;
};
struct FloatMode {
    Precision precision;
    std::uint8_t rounding = 0;
};

class Builder {
public:
    explicit Builder(Block& block) : block_(block) {}

    // What follows belongs to the guest instruction at `pc_offset`; `length` is its size in bytes.
    void begin_guest_instruction(std::uint16_t pc_offset, unsigned length) {
        pc_offset_ = pc_offset;
        guest_index_ = static_cast<std::uint8_t>(block_.guest_instructions());
        length_ = static_cast<std::uint8_t>(length);
        block_.add_guest_instruction(length);
    }
    std::uint16_t pc_offset() const { return pc_offset_; }
    std::int32_t next_offset() const { return pc_offset_ + std::int32_t{length_}; }

    Value constant(std::int64_t value) {
        Instruction i = make(Opcode::Constant, Type::Integer);
        i.immediate = value;
        return block_.append(i);
    }
    Value pc_relative(std::int64_t offset) {
        Instruction i = make(Opcode::PcRelative, Type::Integer);
        i.immediate = offset;
        return block_.append(i);
    }
    Value get(unsigned slot, Type type = Type::Integer) {
        Instruction i = make(Opcode::Get, type);
        i.immediate = slot;
        return block_.append(i);
    }
    void set(unsigned slot, Value value) {
        Instruction i = make(Opcode::Set, block_[value].type, value);
        i.immediate = slot;
        block_.append(i);
    }
    Value binary(Opcode opcode, Value a, Value b) {
        ASHLAR_ASSERT(is_binary(opcode));
        return block_.append(make(opcode, Type::Integer, a, b));
    }
    Value unary(Opcode opcode, Value a) {
        ASHLAR_ASSERT(is_unary(opcode));
        return block_.append(make(opcode, Type::Integer, a));
    }

    Value load(MemoryAccess access, Type type, Value address, std::int32_t displacement) {
        Instruction i = make_memory(Opcode::Load, type, access, address);
        i.displacement = displacement;
        return block_.append(i);
    }
    void store(MemoryAccess access, Value address, std::int32_t displacement, Value value) {
        Instruction i = make_memory(Opcode::Store, block_[value].type, access, address, value);
        i.displacement = displacement;
        block_.append(i);
    }
    Value load_reserved(MemoryAccess access, Value address) {
        return block_.append(make_memory(Opcode::LoadReserved, Type::Integer, access, address));
    }
    Value store_conditional(MemoryAccess access, Value address, Value value) {
        return block_.append(make_memory(Opcode::StoreConditional, Type::Integer, access, address, value));
    }
    Value atomic(AtomicOperation operation, MemoryAccess access, Value address, Value value) {
        Instruction i = make_memory(Opcode::Atomic, Type::Integer, access, address, value);
        i.attribute = static_cast<std::uint8_t>(operation);
        return block_.append(i);
    }
    // `immediate`: bits 0..3 the successor set, 4..7 the predecessor set, each W=1 R=2 O=4 I=8.
    void fence(std::int64_t sets) {
        Instruction i = make(Opcode::Fence, Type::None);
        i.immediate = sets;
        block_.append(i);
    }

    // `attribute` is the fp.h enum that the operation is parametrised by, or 0.
    Value floating(Opcode opcode, FloatMode mode, std::uint8_t attribute, Value a, Value b = kNoValue,
                   Value c = kNoValue) {
        const Type type = info(opcode).result_letter() == 'f' ? Type::Float : Type::Integer;
        Instruction i = make(opcode, type, a, b);
        i.operands[2] = c;
        i.precision = mode.precision;
        i.rounding = mode.rounding;
        i.attribute = attribute;
        return block_.append(i);
    }

    void guard(std::uint8_t helper, std::int64_t argument) { append_call(Opcode::Guard, helper, argument); }
    void call(std::uint8_t helper, std::int64_t argument) { append_call(Opcode::Call, helper, argument); }
    // If the condition is not 0, or unless it is.
    void call_if(Value condition, std::uint8_t helper, std::int64_t argument) {
        append_call(Opcode::CallIf, helper, argument, condition);
    }
    void call_unless(Value condition, std::uint8_t helper, std::int64_t argument) {
        append_call(Opcode::CallUnless, helper, argument, condition);
    }
    void call_exit(std::uint8_t helper, std::int64_t argument) {
        append_call(Opcode::CallExit, helper, argument);
    }
    void jump(std::int64_t offset, JumpHint hint = JumpHint::None) {
        Instruction i = make(Opcode::Jump, Type::None);
        i.attribute = static_cast<std::uint8_t>(hint);
        i.immediate = offset;
        block_.append(i);
    }
    void branch(Condition condition, Value a, Value b, std::int64_t taken, std::int32_t not_taken) {
        Instruction i = make(Opcode::Branch, Type::None, a, b);
        i.attribute = static_cast<std::uint8_t>(condition);
        i.immediate = taken;
        i.displacement = not_taken;
        block_.append(i);
    }
    // To address + displacement with bit 0 cleared.
    void jump_indirect(Value address, std::int32_t displacement, JumpHint hint = JumpHint::None) {
        Instruction i = make(Opcode::JumpIndirect, Type::None, address);
        i.attribute = static_cast<std::uint8_t>(hint);
        i.displacement = displacement;
        block_.append(i);
    }
    void raise(std::uint64_t cause, Value value) {
        Instruction i = make(Opcode::Raise, Type::None, value);
        i.immediate = static_cast<std::int64_t>(cause);
        block_.append(i);
    }

private:
    Instruction make(Opcode opcode, Type type, Value a = kNoValue, Value b = kNoValue) const {
        Instruction i;
        i.opcode = opcode;
        i.type = type;
        i.pc_offset = pc_offset_;
        i.guest_index = guest_index_;
        i.guest_length = length_;
        i.operands[0] = a;
        i.operands[1] = b;
        return i;
    }
    Instruction make_memory(Opcode opcode, Type type, MemoryAccess access, Value a,
                            Value b = kNoValue) const {
        Instruction i = make(opcode, type, a, b);
        i.width = access.width;
        i.attribute = static_cast<std::uint8_t>(access.extension);
        i.ordering = access.ordering;
        return i;
    }
    void append_call(Opcode opcode, std::uint8_t helper, std::int64_t argument, Value condition = kNoValue) {
        Instruction i = make(opcode, Type::None, condition);
        i.attribute = helper;
        i.immediate = argument;
        block_.append(i);
    }

    Block& block_;
    std::uint16_t pc_offset_ = 0;
    std::uint8_t guest_index_ = 0;
    std::uint8_t length_ = 0;
};

} // namespace ashlar::jit::ir
