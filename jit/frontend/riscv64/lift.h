// Internal to the lifter: what the files lift_*.cpp, one per extension, share.
#pragma once

#include "jit/frontend/riscv64/helpers.h"
#include "jit/frontend/riscv64/instruction.h"
#include "jit/frontend/riscv64/state.h"
#include "jit/ir/builder.h"
#include "jit/ir/state_layout.h"

namespace ashlar::jit::riscv64 {

// Whether the block goes on after an instruction.
enum class Lifted : std::uint8_t { Continue, End, NotMine };

class Lifter {
public:
    explicit Lifter(ir::Block& block) : build(block) {}

    ir::Value x(unsigned number) {
        return number == 0 ? build.constant(0) : build.get(ir::kIntegerSlot + number);
    }
    void set_x(unsigned number, ir::Value value) {
        if (number != 0)
            build.set(ir::kIntegerSlot + number, value);
    }
    ir::Value f(unsigned number) { return build.get(ir::kFloatSlot + number, ir::Type::Float); }
    void set_f(unsigned number, ir::Value value) { build.set(ir::kFloatSlot + number, value); }

    // rd = rs1 OP rs2, and rd = rs1 OP immediate. Nothing when rd is x0.
    Lifted binary(const Instruction& i, ir::Opcode opcode) {
        if (i.rd != 0) {
            const ir::Value a = x(i.rs1), b = x(i.rs2);
            set_x(i.rd, build.binary(opcode, a, b));
        }
        return Lifted::Continue;
    }
    Lifted binary_immediate(const Instruction& i, ir::Opcode opcode) {
        if (i.rd != 0) {
            const ir::Value a = x(i.rs1), b = build.constant(i.imm);
            set_x(i.rd, build.binary(opcode, a, b));
        }
        return Lifted::Continue;
    }
    Lifted unary(const Instruction& i, ir::Opcode opcode) {
        if (i.rd != 0)
            set_x(i.rd, build.unary(opcode, x(i.rs1)));
        return Lifted::Continue;
    }

    // Checks once per block that floating point is on, and marks its state dirty once per block.
    void require_float(const Instruction& i, bool dirty) {
        const FloatState needed = dirty ? FloatState::Dirty : FloatState::Enabled;
        if (float_state_ >= needed)
            return;
        build.guard(static_cast<std::uint8_t>(dirty ? Helper::FloatDirty : Helper::FloatEnabled), i.bits);
        float_state_ = needed;
    }
    // After what may change mstatus.
    void forget_float_state() { float_state_ = FloatState::Unknown; }

    // Checks once per block that the hart runs at the privilege at least: has the helper raise the exception.
    // It cannot change within a block.
    void require_privilege(const Instruction& i, Privilege lowest);

    Lifted raise_illegal(const Instruction& i);

    ir::Builder build;

private:
    enum class FloatState : std::uint8_t { Unknown, Enabled, Dirty };
    FloatState float_state_ = FloatState::Unknown;
    Privilege privilege_ = Privilege::User; // at least
};

Lifted lift_integer(Lifter& lift, const Instruction& i);
Lifted lift_control(Lifter& lift, const Instruction& i);
Lifted lift_memory(Lifter& lift, const Instruction& i);
Lifted lift_multiply(Lifter& lift, const Instruction& i);
Lifted lift_bitmanip(Lifter& lift, const Instruction& i);
Lifted lift_atomic(Lifter& lift, const Instruction& i);
Lifted lift_float(Lifter& lift, const Instruction& i);
Lifted lift_csr(Lifter& lift, const Instruction& i);
Lifted lift_system(Lifter& lift, const Instruction& i);

} // namespace ashlar::jit::riscv64
