#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/privileged.h"

namespace ashlar::jit::riscv64 {

namespace {
constexpr unsigned kA0 = 10, kA1 = 11;
}

void reset(HartState& hart, std::uint64_t hart_id, std::uint64_t pc, std::uint64_t device_tree) {
    hart = HartState{};
    hart.pc = pc;
    hart.x[kA0] = hart_id;
    hart.x[kA1] = device_tree;
    hart.control.hart_id = hart_id;
    hart.control.mstatus = mstatus::kUxl64 | mstatus::kSxl64;
}

void reset_to_supervisor(HartState& hart, std::uint64_t hart_id, std::uint64_t pc, std::uint64_t opaque) {
    reset(hart, hart_id, pc, opaque);
    HartState::Control& control = hart.control;
    control.privilege = Privilege::Supervisor;
    control.medeleg = kDelegableExceptions;
    control.mideleg = kSupervisorInterrupts;
    control.mcounteren = kCounterCycle | kCounterTime | kCounterInstret;
    control.scounteren = control.mcounteren; // OpenSBI does so, and Linux's vDSO reads `time` relying on it
    control.menvcfg = envcfg::kStce;
    control.pmp.configuration[0] = pmpcfg::kNapot | pmpcfg::kRead | pmpcfg::kWrite | pmpcfg::kExecute;
    control.pmp.address[0] = pmpcfg::kAddress;
}

} // namespace ashlar::jit::riscv64
