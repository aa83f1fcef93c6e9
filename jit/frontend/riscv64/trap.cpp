// Traps and the returns from them (Privileged 1.12, 3.1.6 to 3.1.9, 3.3.2, 4.1).
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/privileged.h"

namespace ashlar::jit::riscv64 {

namespace {

constexpr std::uint64_t kVectored = 1;

std::uint64_t handler_address(std::uint64_t tvec, std::uint64_t cause) {
    const std::uint64_t base = tvec & ~std::uint64_t{3};
    const bool vectored = (tvec & 3) == kVectored && (cause & kInterruptBit) != 0;
    return vectored ? base + 4 * (cause & ~kInterruptBit) : base;
}

// Moves an interrupt-enable bit to its "previous" companion and clears it, or back.
std::uint64_t stack_enable(std::uint64_t status, std::uint64_t enable, std::uint64_t previous) {
    status = (status & enable) != 0 ? status | previous : status & ~previous;
    return status & ~enable;
}
std::uint64_t unstack_enable(std::uint64_t status, std::uint64_t enable, std::uint64_t previous) {
    status = (status & previous) != 0 ? status | enable : status & ~enable;
    return status | previous;
}

void enter_supervisor(HartState& hart, std::uint64_t cause, std::uint64_t tval) {
    HartState::Control& control = hart.control;
    std::uint64_t status = stack_enable(control.mstatus, mstatus::kSie, mstatus::kSpie);
    status = control.privilege == Privilege::User ? status & ~mstatus::kSpp : status | mstatus::kSpp;
    control.mstatus = status;
    control.sepc = hart.pc;
    control.scause = cause;
    control.stval = tval;
    control.privilege = Privilege::Supervisor;
    hart.pc = handler_address(control.stvec, cause);
}

void enter_machine(HartState& hart, std::uint64_t cause, std::uint64_t tval) {
    HartState::Control& control = hart.control;
    std::uint64_t status = stack_enable(control.mstatus, mstatus::kMie, mstatus::kMpie);
    status &= ~mstatus::kMpp;
    control.mstatus = status | static_cast<std::uint64_t>(control.privilege) << mstatus::kMppShift;
    control.mepc = hart.pc;
    control.mcause = cause;
    control.mtval = tval;
    control.privilege = Privilege::Machine;
    hart.pc = handler_address(control.mtvec, cause);
}

// A trap changes the context, so an SC after it must not succeed on the LR before it.
void enter(HartState& hart, std::uint64_t cause, std::uint64_t tval, bool delegated) {
    hart.reservation_valid = 0;
    if (delegated && hart.control.privilege != Privilege::Machine)
        enter_supervisor(hart, cause, tval);
    else
        enter_machine(hart, cause, tval);
}

// The enabled pending interrupts that would trap to M-mode, else those that would trap to S-mode; 0 if none
// may be taken at the current privilege (3.1.9).
std::uint64_t takeable(const HartState& hart) {
    const HartState::Control& control = hart.control;
    const std::uint64_t pending = pending_interrupts(hart) & control.mie;
    const std::uint64_t to_machine = pending & ~control.mideleg;
    const bool machine_enabled =
        control.privilege != Privilege::Machine || (control.mstatus & mstatus::kMie) != 0;
    if (to_machine != 0 && machine_enabled)
        return to_machine;
    const std::uint64_t to_supervisor = pending & control.mideleg;
    const bool supervisor_enabled =
        control.privilege == Privilege::User ||
        (control.privilege == Privilege::Supervisor && (control.mstatus & mstatus::kSie) != 0);
    return supervisor_enabled ? to_supervisor : 0;
}

} // namespace

void take_exception(HartState& hart, Cause cause, std::uint64_t tval) {
    const auto number = static_cast<std::uint64_t>(cause);
    enter(hart, number, tval, (hart.control.medeleg >> number & 1) != 0);
}

std::optional<Cause> deliverable_interrupt(const HartState& hart) {
    // From the highest priority to the lowest (3.1.9).
    constexpr Cause kPriority[] = {Cause::MachineExternalInterrupt,    Cause::MachineSoftwareInterrupt,
                                   Cause::MachineTimerInterrupt,       Cause::SupervisorExternalInterrupt,
                                   Cause::SupervisorSoftwareInterrupt, Cause::SupervisorTimerInterrupt};
    const std::uint64_t candidates = takeable(hart);
    if (candidates == 0)
        return std::nullopt;
    for (const Cause cause : kPriority)
        if ((candidates >> (static_cast<std::uint64_t>(cause) & ~kInterruptBit) & 1) != 0)
            return cause;
    return std::nullopt;
}

void take_interrupt(HartState& hart, Cause interrupt) {
    const auto cause = static_cast<std::uint64_t>(interrupt);
    enter(hart, cause, 0, (hart.control.mideleg >> (cause & ~kInterruptBit) & 1) != 0);
}

bool interrupt_pending_for_wfi(const HartState& hart) {
    return (pending_interrupts(hart) & hart.control.mie) != 0;
}

Effect execute_mret(HartState& hart) {
    HartState::Control& control = hart.control;
    if (control.privilege != Privilege::Machine)
        return Effect::Illegal;
    const Privilege target = mstatus::mpp(control.mstatus);
    std::uint64_t status = unstack_enable(control.mstatus, mstatus::kMie, mstatus::kMpie);
    status &= ~mstatus::kMpp; // the least privileged mode, User
    if (target != Privilege::Machine)
        status &= ~mstatus::kMprv;
    control.mstatus = status;
    control.privilege = target;
    hart.pc = control.mepc;
    hart.reservation_valid = 0;
    return Effect::Translation | Effect::Interrupts;
}

Effect execute_sret(HartState& hart) {
    HartState::Control& control = hart.control;
    if (control.privilege == Privilege::User ||
        (control.privilege == Privilege::Supervisor && (control.mstatus & mstatus::kTsr) != 0))
        return Effect::Illegal;
    const bool to_supervisor = (control.mstatus & mstatus::kSpp) != 0;
    const std::uint64_t status = unstack_enable(control.mstatus, mstatus::kSie, mstatus::kSpie);
    control.mstatus = status & ~(mstatus::kSpp | mstatus::kMprv);
    control.privilege = to_supervisor ? Privilege::Supervisor : Privilege::User;
    hart.pc = control.sepc;
    hart.reservation_valid = 0;
    return Effect::Translation | Effect::Interrupts;
}

bool wfi_allowed(const HartState& hart) {
    switch (hart.control.privilege) {
    case Privilege::Machine: return true;
    case Privilege::Supervisor: return (hart.control.mstatus & mstatus::kTw) == 0;
    case Privilege::User: return false; // may wait without bound, so it traps (3.3.3)
    }
    return false;
}

bool sfence_vma_allowed(const HartState& hart) {
    switch (hart.control.privilege) {
    case Privilege::Machine: return true;
    case Privilege::Supervisor: return (hart.control.mstatus & mstatus::kTvm) == 0;
    case Privilege::User: return false;
    }
    return false;
}

bool set_interrupt_line(HartState& hart, Interrupt line, bool level) {
    const std::uint64_t before = pending_interrupts(hart);
    if (line == Interrupt::SupervisorExternal)
        hart.control.external_seip = level ? 1 : 0;
    else
        hart.control.mip = level ? hart.control.mip | bit(line) : hart.control.mip & ~bit(line);
    return pending_interrupts(hart) != before;
}

bool update_supervisor_timer(HartState& hart, std::uint64_t now) {
    if ((hart.control.menvcfg & envcfg::kStce) == 0)
        return false;
    return set_interrupt_line(hart, Interrupt::SupervisorTimer, now >= hart.control.stimecmp);
}

} // namespace ashlar::jit::riscv64
