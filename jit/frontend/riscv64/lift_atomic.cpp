// Specification: Unprivileged ISA, chapter "A" (Atomic Instructions).
#include "jit/frontend/riscv64/lift.h"

namespace ashlar::jit::riscv64 {

namespace {

ir::MemoryAccess access_of(const Instruction& i) {
    const auto width = static_cast<std::uint8_t>((i.bits >> 12 & 1) == 0 ? 4 : 8);
    std::uint8_t ordering = 0;
    if ((i.rm & 2) != 0)
        ordering |= ir::kAcquire;
    if ((i.rm & 1) != 0)
        ordering |= ir::kRelease;
    return {width, ir::Extension::Sign, ordering};
}

Lifted atomic(Lifter& lift, const Instruction& i, ir::AtomicOperation operation) {
    const ir::Value address = lift.x(i.rs1), value = lift.x(i.rs2);
    lift.set_x(i.rd, lift.build.atomic(operation, access_of(i), address, value));
    return Lifted::Continue;
}

Lifted load_reserved(Lifter& lift, const Instruction& i) {
    lift.set_x(i.rd, lift.build.load_reserved(access_of(i), lift.x(i.rs1)));
    return Lifted::Continue;
}

Lifted store_conditional(Lifter& lift, const Instruction& i) {
    const ir::Value address = lift.x(i.rs1), value = lift.x(i.rs2);
    lift.set_x(i.rd, lift.build.store_conditional(access_of(i), address, value));
    return Lifted::Continue;
}

} // namespace

Lifted lift_atomic(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::LrW:
    case Opcode::LrD: return load_reserved(lift, i);
    case Opcode::ScW:
    case Opcode::ScD: return store_conditional(lift, i);
    case Opcode::AmoswapW:
    case Opcode::AmoswapD: return atomic(lift, i, ir::AtomicOperation::Swap);
    case Opcode::AmoaddW:
    case Opcode::AmoaddD: return atomic(lift, i, ir::AtomicOperation::Add);
    case Opcode::AmoxorW:
    case Opcode::AmoxorD: return atomic(lift, i, ir::AtomicOperation::Xor);
    case Opcode::AmoandW:
    case Opcode::AmoandD: return atomic(lift, i, ir::AtomicOperation::And);
    case Opcode::AmoorW:
    case Opcode::AmoorD: return atomic(lift, i, ir::AtomicOperation::Or);
    case Opcode::AmominW:
    case Opcode::AmominD: return atomic(lift, i, ir::AtomicOperation::Minimum);
    case Opcode::AmomaxW:
    case Opcode::AmomaxD: return atomic(lift, i, ir::AtomicOperation::Maximum);
    case Opcode::AmominuW:
    case Opcode::AmominuD: return atomic(lift, i, ir::AtomicOperation::MinimumUnsigned);
    case Opcode::AmomaxuW:
    case Opcode::AmomaxuD: return atomic(lift, i, ir::AtomicOperation::MaximumUnsigned);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
