// What a threaded-code op does, found by its handler.
#pragma once

#include <array>
#include <cstdint>

#include "jit/interpreter/op.h"
#include "jit/ir/block.h"

namespace ashlar::jit::x86_64 {

enum class Shape : std::uint8_t {
    Call, // anything else: the interpreter's handler is called
    Binary,
    BinaryImmediate,
    Unary,
    Copy,
    LoadImmediate,
    LoadWide,
    PcRelative,
    Load,
    Store,
    Fence,
    Atomic,
    LoadReserved,
    StoreConditional,
    Float,
    Guard,
    CallIf, // the interpreter's handler, if slot d is `condition` to 0
    Jump,
    Branch,
    JumpIndirect,
    Leave, // a handler that never goes on: CallExit, Raise
};

struct OpClass {
    Shape shape = Shape::Call;
    ir::Opcode opcode{};
    ir::Extension extension{};
    ir::Condition condition{};
    std::uint8_t width = 0;
    ir::Precision precision{};  // Float
    std::uint8_t attribute = 0; // Float: an fp.h enum. Atomic: ir::AtomicOperation

    std::size_t float_operands() const { // of Float
        return opcode == ir::Opcode::FloatFromInteger || opcode == ir::Opcode::FloatFromBits
                   ? 0
                   : ir::info(opcode).operand_count();
    }
    bool has_integer_result() const { // of Float
        return opcode == ir::Opcode::FloatCompare || opcode == ir::Opcode::FloatToInteger ||
               opcode == ir::Opcode::FloatClassify || opcode == ir::Opcode::FloatToBits;
    }
};

// Built once; immutable then.
class Classifier {
public:
    Classifier();
    OpClass classify(interpreter::Handler handler) const {
        std::size_t i = place(handler);
        while (entries_[i].handler != handler && entries_[i].handler != nullptr)
            i = (i + 1) % kEntries;
        return entries_[i].op_class; // empty for a handler that is not there
    }

private:
    struct Entry {
        interpreter::Handler handler;
        OpClass op_class;
    };
    void add(interpreter::Handler handler, const OpClass& op_class);
    void add_float(ir::Opcode opcode, std::uint8_t attributes);

    static constexpr std::size_t kEntries = 1024; // most are empty
    static std::size_t place(interpreter::Handler handler) {
        return reinterpret_cast<std::uintptr_t>(handler) * 0x9e3779b97f4a7c15u >> 54;
    }
    std::array<Entry, kEntries> entries_{};
    std::size_t count_ = 0;
};

} // namespace ashlar::jit::x86_64
