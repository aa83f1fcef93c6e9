// What tier 1 knows about floating-point slots at a point of the block that it compiles: which xmm registers
// hold copies of them, and which hold NaN-boxed singles. Slots themselves are always up to date.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "jit/backend/x86_64/classify.h"
#include "jit/interpreter/op.h"

namespace ashlar::jit::x86_64 {

class FloatCache {
public:
    static constexpr unsigned kRegisters = 14; // FloatEmitter's scratch registers are the other two
    static constexpr std::uint8_t kNothing = interpreter::kZeroSlot;
    using Contents = std::array<std::uint8_t, kRegisters>; // slots

    // For a new block.
    void begin(const Classifier& classifier, std::span<const interpreter::Op> code);
    // The op at `index` comes next.
    void begin_op(std::size_t index) {
        index_ = index;
        busy_ = 0;
    }
    // What the op, now emitted, has done to slots.
    void end_op(const OpClass& op_class, const interpreter::Op& op);
    // All registers have changed.
    void clear() { contents_.fill(kNothing); }

    static bool is_float(unsigned slot) { return slot >= kFirstFloat && slot < kFirstFloat + 32; }
    // The register that holds `slot`, or -1. It then is kept for the rest of the op.
    int find(unsigned slot);
    // A register for `slot` to be loaded or computed into: the one it has, or one that no operand is in.
    int assign(unsigned slot);
    int assign_another(unsigned slot);
    bool is_boxed(unsigned slot) const { return boxed_[slot]; }
    // What must be in the registers behind the op: copies that are still read.
    Contents needed() const;

private:
    static constexpr unsigned kFirstFloat = 32;
    void forget(unsigned slot);
    bool is_needed(unsigned slot) const { return slot != kNothing && last_read_[slot] > index_; }

    Contents contents_{};
    std::array<bool, interpreter::kSlots> boxed_{};
    std::array<std::uint16_t, interpreter::kSlots> last_read_{}; // indices of ops
    bool used_ = false; // the block has floating point: else there is nothing to know
    std::size_t index_ = 0;
    unsigned busy_ = 0; // registers of the op, as a set
    unsigned next_ = 0; // to be replaced
};

} // namespace ashlar::jit::x86_64
