// IR to threaded code. Guest registers become operands of the ops themselves, so that a simple guest
// instruction is one op.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "jit/interpreter/op.h"
#include "jit/ir/block.h"

namespace ashlar::jit::interpreter {

// The most ops that any block of this many IR instructions lowers to.
constexpr std::size_t max_ops(std::size_t ir_instructions) {
    return 4 * ir_instructions + 8;
}

// Copies a block's code that has not run yet to `to`, which is as long.
void copy_code(std::span<const Op> code, std::span<Op> to);

// Reusable; one block at a time.
class Lowering {
public:
    // A lowering for blocks of up to `capacity` instructions.
    static Result<Lowering> create(std::size_t capacity);

    // Writes the code for `block`, which the verifier accepts, to `code`, which holds max_ops(block.size()).
    // Code refers to itself: only copy_code() moves it. Returns the number of ops.
    // `guest_offsets`, if not empty and then as long as `code`, takes for each op where its guest instruction
    // begins.
    std::size_t lower(const ir::Block& block, std::span<Op> code,
                      std::span<std::uint16_t> guest_offsets = {});

private:
    struct Location {
        enum class Kind : std::uint8_t { None, Slot, Constant };
        Kind kind = Kind::None;
        std::uint8_t slot = 0;
        std::uint16_t uses = 0;                // that are still to come
        ir::Value next_in_slot = ir::kNoValue; // of the values that live in the same guest slot
    };

    Lowering(std::unique_ptr<Location[]> locations, std::size_t capacity)
        : locations_(std::move(locations)), capacity_(capacity) {}

    void count_uses();
    void lower_instruction(const ir::Instruction& instruction, ir::Value value);
    void lower_binary(const ir::Instruction& instruction, ir::Value value);
    void lower_set(const ir::Instruction& instruction);
    void lower_memory(const ir::Instruction& instruction, ir::Value value);
    void lower_terminator(const ir::Instruction& instruction);

    Location& at(ir::Value value) { return locations_[ir::index(value)]; }
    bool fits_immediate(ir::Value value, std::int32_t& immediate);
    // The slot that holds `value`, materializing constants; counts one use.
    std::uint8_t use(ir::Value value);
    void consume(ir::Value value);
    // Where the result goes: into the guest slot that the next instruction sets to it, else a temporary.
    std::uint8_t destination(ir::Value value);
    void settle(ir::Value value, std::uint8_t slot);
    void bind_to_slot(ir::Value value, std::uint8_t slot);
    // Saves values that live in guest slots and are still needed, before the slots change.
    void vacate(std::uint8_t slot);
    void vacate_all();
    // Temporaries are counted by the values in them. One that an operand had last stays taken until the
    // instruction is lowered, since ops that prepare it may still be emitted before the one that reads it.
    std::uint8_t allocate();
    void release_operands();
    void emit(const Op& op);
    void emit_constant(std::uint8_t slot, std::int64_t value);
    void emit_links(std::int32_t taken, std::int32_t not_taken);

    std::unique_ptr<Location[]> locations_;
    std::size_t capacity_;
    std::array<ir::Value, ir::kStateSlots> slot_values_{};
    std::array<std::uint8_t, kSlots> free_{};
    std::size_t free_count_ = 0;
    std::array<std::uint8_t, kSlots> holders_{}; // values in a temporary
    std::array<std::uint8_t, 4> operand_slots_{};
    std::size_t operand_slot_count_ = 0;
    const ir::Block* block_ = nullptr;
    std::size_t position_ = 0; // of the instruction being lowered
    std::span<Op> code_;
    std::size_t size_ = 0;
};

} // namespace ashlar::jit::interpreter
