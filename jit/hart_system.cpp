// The system instructions that lifted code calls for.
#include "jit/engine_core.h"
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/helpers.h"
#include "jit/hart.h"

namespace ashlar::jit {

using interpreter::HelperOutcome;
using riscv64::Cause;
using riscv64::Effect;
using riscv64::Helper;
using riscv64::Privilege;

namespace {

constexpr unsigned rd(std::uint32_t bits) {
    return bits >> 7 & 31;
}
constexpr unsigned rs2(std::uint32_t bits) {
    return bits >> 20 & 31;
}
constexpr unsigned rs1(std::uint32_t bits) {
    return bits >> 15 & 31;
}

} // namespace

HelperOutcome EngineHart::raise_illegal(std::uint32_t bits) {
    context_.exit.cause = static_cast<std::uint64_t>(Cause::IllegalInstruction);
    context_.exit.value = bits;
    return HelperOutcome::Raise;
}

HelperOutcome EngineHart::leave_to(std::uint64_t pc) {
    state_->pc = pc;
    return HelperOutcome::Leave;
}

HelperOutcome EngineHart::call_helper(unsigned number, std::uint32_t argument, std::uint64_t next_pc) {
    switch (static_cast<Helper>(number)) {
    case Helper::FloatEnabled: return enable_float(argument, false);
    case Helper::FloatDirty: return enable_float(argument, true);
    case Helper::Csr:
    case Helper::FloatCsr: return access_csr(argument, next_pc);
    case Helper::StatusChanged: return status_changed(next_pc);
    case Helper::EnvironmentCall: return environment_call(next_pc);
    case Helper::SupervisorReturn: return return_from_trap(argument, riscv64::execute_sret);
    case Helper::MachineReturn: return return_from_trap(argument, riscv64::execute_mret);
    case Helper::WaitForInterrupt: return wait_for_interrupt(argument, next_pc);
    case Helper::FenceVirtual: return fence_virtual(argument, next_pc);
    }
    ASHLAR_ASSERT(false);
    return HelperOutcome::Continue;
}

HelperOutcome EngineHart::enable_float(std::uint32_t bits, bool dirty) {
    if (!riscv64::fp_enabled(*state_))
        return raise_illegal(bits);
    if (dirty) {
        riscv64::mark_fp_dirty(*state_);
        context_.guard &= static_cast<std::uint8_t>(~interpreter::Context::kCallHelper);
    }
    return HelperOutcome::Continue;
}

HelperOutcome EngineHart::access_csr(std::uint32_t bits, std::uint64_t next_pc) {
    const auto number = static_cast<std::uint16_t>(bits >> 20);
    // funct3 is 1, 2, 3 and, with an immediate, 5, 6, 7.
    const auto operation = static_cast<riscv64::CsrOperation>((bits >> 12 & 3) - 1);
    const bool immediate = (bits >> 14 & 1) != 0;
    const std::uint64_t operand = immediate ? rs1(bits) : state_->x[rs1(bits)];
    const bool writes = operation == riscv64::CsrOperation::Write || rs1(bits) != 0;
    const riscv64::CsrResult result =
        riscv64::execute_csr(*state_, number, operation, operand, writes, engine_.time());
    if (riscv64::has(result.effect, Effect::Illegal))
        return raise_illegal(bits);
    if (rd(bits) != 0)
        state_->x[rd(bits)] = result.old;
    if (!writes)
        return HelperOutcome::Continue;
    const std::uint64_t generation = context_.generation;
    apply(result.effect);
    return check_interrupts_ || context_.generation != generation ? leave_to(next_pc)
                                                                  : HelperOutcome::Continue;
}

HelperOutcome EngineHart::status_changed(std::uint64_t next_pc) {
    riscv64::derive_sd(*state_);
    refresh_context();
    if ((state_->control.mstatus & state_->control.watched_status & riscv64::mstatus::kSie) == 0)
        return HelperOutcome::Continue;
    check_interrupts_ = true;
    return leave_to(next_pc);
}

HelperOutcome EngineHart::environment_call(std::uint64_t next_pc) {
    const Privilege privilege = state_->control.privilege;
    if (engine_.options().builtin_sbi && privilege == Privilege::Supervisor) {
        stop_ = Stop::SupervisorCall;
        return leave_to(next_pc);
    }
    take_exception(static_cast<std::uint64_t>(Cause::EcallFromUser) + static_cast<std::uint64_t>(privilege),
                   0);
    return HelperOutcome::Trap;
}

HelperOutcome EngineHart::return_from_trap(std::uint32_t bits, Effect (*execute)(riscv64::HartState&)) {
    const Effect effect = execute(*state_);
    if (riscv64::has(effect, Effect::Illegal))
        return raise_illegal(bits);
    apply(effect);
    deliver_interrupt();
    return HelperOutcome::Jump;
}

HelperOutcome EngineHart::wait_for_interrupt(std::uint32_t bits, std::uint64_t next_pc) {
    if (!riscv64::wfi_allowed(*state_))
        return raise_illegal(bits);
    if (!riscv64::interrupt_pending_for_wfi(*state_))
        stop_ = Stop::WaitForInterrupt;
    return leave_to(next_pc);
}

HelperOutcome EngineHart::fence_virtual(std::uint32_t bits, std::uint64_t next_pc) {
    if (!riscv64::sfence_vma_allowed(*state_))
        return raise_illegal(bits);
    const bool everything = rs1(bits) == 0;
    const std::uint64_t address = everything ? 0 : state_->x[rs1(bits)] & ~std::uint64_t{kPageSize - 1};
    const std::uint64_t size = everything ? kEverything : kPageSize;
    if (rs2(bits) == 0)
        flush_all_spaces(address, size);
    else
        flush_spaces_with(static_cast<std::uint16_t>(state_->x[rs2(bits)]), address, size);
    refresh_context();
    state_->pc = next_pc;
    return HelperOutcome::Jump;
}

} // namespace ashlar::jit
