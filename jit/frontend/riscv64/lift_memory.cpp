// Loads and stores of integer registers. Specification: Unprivileged ISA, section "Load and Store
// Instructions".
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

namespace {

Lifted load(Lifter& lift, const Instruction& i, std::uint8_t width, ir::Extension extension) {
    const ir::Value value = lift.build.load({width, extension}, ir::Type::Integer, lift.x(i.rs1), i.imm);
    lift.set_x(i.rd, value); // a load to x0 still faults
    return Lifted::Continue;
}

Lifted store(Lifter& lift, const Instruction& i, std::uint8_t width) {
    const ir::Value address = lift.x(i.rs1), value = lift.x(i.rs2);
    lift.build.store({width}, address, i.imm, value);
    return Lifted::Continue;
}

} // namespace

Lifted lift_memory(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::Lb: return load(lift, i, 1, ir::Extension::Sign);
    case Opcode::Lh: return load(lift, i, 2, ir::Extension::Sign);
    case Opcode::Lw: return load(lift, i, 4, ir::Extension::Sign);
    case Opcode::Ld: return load(lift, i, 8, ir::Extension::Zero);
    case Opcode::Lbu: return load(lift, i, 1, ir::Extension::Zero);
    case Opcode::Lhu: return load(lift, i, 2, ir::Extension::Zero);
    case Opcode::Lwu: return load(lift, i, 4, ir::Extension::Zero);
    case Opcode::Sb: return store(lift, i, 1);
    case Opcode::Sh: return store(lift, i, 2);
    case Opcode::Sw: return store(lift, i, 4);
    case Opcode::Sd: return store(lift, i, 8);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
