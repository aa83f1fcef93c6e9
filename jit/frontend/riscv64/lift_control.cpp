// Jumps and branches. Specification: Unprivileged ISA, section "Control Transfer Instructions".
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

namespace {

void link(Lifter& lift, const Instruction& i) {
    if (i.rd != 0)
        lift.set_x(i.rd, lift.build.pc_relative(lift.build.next_offset()));
}

// The registers that calls link through. Specification: Unprivileged ISA, "Unconditional Jumps", table of
// return-address stack hints.
bool is_link(unsigned number) {
    return number == 1 || number == 5;
}

ir::JumpHint hint(const Instruction& i) {
    if (is_link(i.rd))
        return ir::JumpHint::Call;
    return i.opcode == Opcode::Jalr && is_link(i.rs1) ? ir::JumpHint::Return : ir::JumpHint::None;
}

Lifted branch(Lifter& lift, const Instruction& i, ir::Condition condition) {
    const ir::Value a = lift.x(i.rs1), b = lift.x(i.rs2);
    lift.build.branch(condition, a, b, lift.build.pc_offset() + std::int64_t{i.imm},
                      lift.build.next_offset());
    return Lifted::End;
}

} // namespace

Lifted lift_control(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::Jal:
        link(lift, i);
        lift.build.jump(lift.build.pc_offset() + std::int64_t{i.imm}, hint(i));
        return Lifted::End;
    case Opcode::Jalr: {
        const ir::Value target = lift.x(i.rs1); // read before a link register that is the same changes
        link(lift, i);
        lift.build.jump_indirect(target, i.imm, hint(i));
        return Lifted::End;
    }
    case Opcode::Beq: return branch(lift, i, ir::Condition::Equal);
    case Opcode::Bne: return branch(lift, i, ir::Condition::NotEqual);
    case Opcode::Blt: return branch(lift, i, ir::Condition::Less);
    case Opcode::Bge: return branch(lift, i, ir::Condition::GreaterEqual);
    case Opcode::Bltu: return branch(lift, i, ir::Condition::LessUnsigned);
    case Opcode::Bgeu: return branch(lift, i, ir::Condition::GreaterEqualUnsigned);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
