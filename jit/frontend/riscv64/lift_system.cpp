// System instructions and fences: left to the engine's helpers, which know the state of the hart.
#include "jit/frontend/riscv64/lift.h"
#include "jit/frontend/riscv64/state.h"

namespace ashlar::jit::riscv64 {

namespace {

Lifted call_and_end(Lifter& lift, const Instruction& i, Helper helper) {
    lift.build.call_exit(static_cast<std::uint8_t>(helper), i.bits);
    return Lifted::End;
}

} // namespace

Lifted lift_system(Lifter& lift, const Instruction& i) {
    switch (i.opcode) {
    case Opcode::Fence: lift.build.fence(i.imm); return Lifted::Continue;
    case Opcode::FenceI: return Lifted::Continue; // every store keeps translations coherent
    case Opcode::Ecall: return call_and_end(lift, i, Helper::EnvironmentCall);
    case Opcode::Ebreak:
        lift.build.raise(static_cast<std::uint64_t>(Cause::Breakpoint),
                         lift.build.pc_relative(lift.build.pc_offset()));
        return Lifted::End;
    case Opcode::Sret: return call_and_end(lift, i, Helper::SupervisorReturn);
    case Opcode::Mret: return call_and_end(lift, i, Helper::MachineReturn);
    case Opcode::Wfi: return call_and_end(lift, i, Helper::WaitForInterrupt);
    case Opcode::SfenceVma: return call_and_end(lift, i, Helper::FenceVirtual);
    default: return Lifted::NotMine;
    }
}

} // namespace ashlar::jit::riscv64
