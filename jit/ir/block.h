// A block of IR: straight-line code in SSA form that reads and writes guest state explicitly.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "jit/fp.h"
#include "jit/ir/operations.h"
#include "lib/result.h"

namespace ashlar::jit::ir {

// Every value is 64 bits wide; Float values are register bits (a NaN-boxed single or a double).
enum class Type : std::uint8_t { None, Integer, Float };

// Names the result of the block's instruction with that index.
enum class Value : std::uint16_t {};
constexpr Value kNoValue{0xffff};
constexpr std::size_t index(Value value) {
    return static_cast<std::size_t>(value);
}

enum class Extension : std::uint8_t { Zero, Sign, Box }; // Box: a 32-bit load NaN-boxed
enum class Condition : std::uint8_t {
    Equal,
    NotEqual,
    Less,
    GreaterEqual,
    LessUnsigned,
    GreaterEqualUnsigned
};
enum class AtomicOperation : std::uint8_t {
    Swap,
    Add,
    Xor,
    And,
    Or,
    Minimum,
    Maximum,
    MinimumUnsigned,
    MaximumUnsigned
};
constexpr std::uint8_t kAtomicOperations = 9;
// What a jump is for in the guest's calling convention: a hint, for what is likely to follow.
enum class JumpHint : std::uint8_t { None, Call, Return };
// Bits of Instruction::ordering.
constexpr std::uint8_t kAcquire = 1, kRelease = 2;
// Precision of a floating-point operation: the bits of an f register that it works on.
enum class Precision : std::uint8_t { Single, Double };
// Beside fp::Rounding's modes: what the rounding slot says when the instruction executes.
constexpr std::uint8_t kDynamicRounding = 7;

// Which fields count depends on the operation; docs/ir.md says so for each.
struct Instruction {
    Opcode opcode = Opcode::Constant;
    Type type = Type::None; // of the result, or of what Set and Store take
    std::uint8_t width = 0; // memory: bytes accessed
    std::uint8_t attribute =
        0; // Extension, Condition, AtomicOperation, JumpHint, an fp.h enum, a helper's number
    std::uint8_t ordering = 0; // memory
    Precision precision = Precision::Double;
    std::uint8_t rounding = 0;     // fp::Rounding or kDynamicRounding
    std::uint8_t guest_index = 0;  // guest instructions of this block before the one this belongs to
    std::uint8_t guest_length = 0; // bytes of that one
    std::uint16_t pc_offset = 0;   // of that one from the start of the block, bytes
    Value operands[3] = {kNoValue, kNoValue, kNoValue};
    std::int32_t displacement = 0; // Load, Store: added to the address. Branch: offset when not taken
    std::int64_t immediate = 0;    // constant, slot, jump offset, helper argument, exception cause
};

// Owns its instructions; reusable. Building never fails half-way: the frontend asks room_for() before each
// guest instruction.
class Block {
public:
    static Result<Block> create(std::size_t capacity) {
        std::unique_ptr<Instruction[]> storage(new (std::nothrow) Instruction[capacity]);
        if (storage == nullptr)
            return Error::OutOfMemory;
        return Block(std::move(storage), capacity);
    }

    void clear() {
        size_ = 0;
        guest_instructions_ = 0;
        guest_bytes_ = 0;
    }
    bool room_for(std::size_t instructions) const { return capacity_ - size_ >= instructions; }
    std::size_t size() const { return size_; }
    Value append(const Instruction& instruction) {
        ASHLAR_ASSERT(size_ < capacity_);
        storage_[size_] = instruction;
        return Value{static_cast<std::uint16_t>(size_++)};
    }
    std::span<const Instruction> instructions() const { return {storage_.get(), size_}; }
    const Instruction& operator[](Value value) const {
        ASHLAR_ASSERT(index(value) < size_);
        return storage_[index(value)];
    }

    // How many guest instructions the block stands for when it runs to its end, and their bytes.
    unsigned guest_instructions() const { return guest_instructions_; }
    unsigned guest_bytes() const { return guest_bytes_; }
    void add_guest_instruction(unsigned bytes) {
        ++guest_instructions_;
        guest_bytes_ += bytes;
    }

private:
    Block(std::unique_ptr<Instruction[]> storage, std::size_t capacity)
        : storage_(std::move(storage)), capacity_(capacity) {}

    std::unique_ptr<Instruction[]> storage_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    unsigned guest_instructions_ = 0;
    unsigned guest_bytes_ = 0;
};

} // namespace ashlar::jit::ir
