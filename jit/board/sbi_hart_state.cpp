// Hart state management (SBI 2.0, chapter 9).
#include "jit/board/sbi.h"

#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::board {

using sbi::hart_state::HartStatus;

bool Sbi::may_run(unsigned hart) {
    if (ended_ || status_[hart] == HartStatus::Stopped)
        return false;
    if (status_[hart] == HartStatus::Suspended && riscv64::interrupt_pending_for_wfi(state(hart)))
        status_[hart] = HartStatus::Started;
    return status_[hart] == HartStatus::Started;
}

Sbi::Reply Sbi::hart_state(const Call& call) {
    switch (call.function) {
    case sbi::hart_state::Start: return start_hart(call.argument[0], call.argument[1], call.argument[2]);
    case sbi::hart_state::Stop:
        status_[call.hart] = HartStatus::Stopped;
        set_timer(call.hart, ~std::uint64_t{0}); // nobody waits for it any more
        return {};
    case sbi::hart_state::GetStatus:
        if (call.argument[0] >= harts_)
            return {Status::InvalidParameter};
        return {Status::Success, static_cast<std::uint64_t>(status_[call.argument[0]])};
    case sbi::hart_state::Suspend:
        return suspend_hart(call.hart, call.argument[0], call.argument[1], call.argument[2]);
    default: return {Status::NotSupported};
    }
}

// An address at which S-mode can fetch with translation off.
bool Sbi::is_entry_point(std::uint64_t address) const {
    return address % 2 == 0 && memory_.contains(GuestPhysicalAddress(address), 2);
}

// The register state of a hart that starts or resumes without its context (table 9.1). Interrupts that
// devices hold pending stay so.
void Sbi::enter_supervisor(unsigned hart, std::uint64_t entry, std::uint64_t opaque) {
    riscv64::HartState& hart_state = state(hart);
    const std::uint64_t external = hart_state.control.external_seip;
    const std::uint64_t machine_lines = hart_state.control.mip & riscv64::kMachineInterrupts;
    const std::uint64_t retired = hart_state.instret;
    riscv64::reset_to_supervisor(hart_state, hart, entry, opaque);
    hart_state.control.external_seip = external;
    hart_state.control.mip = machine_lines;
    hart_state.instret = retired;
    flush_tlb(hart, 0, ~std::uint64_t{0});
    engine_.hart(hart).state_changed();
}

Sbi::Reply Sbi::start_hart(std::uint64_t hart, std::uint64_t entry, std::uint64_t opaque) {
    if (hart >= harts_)
        return {Status::InvalidParameter};
    if (!is_entry_point(entry))
        return {Status::InvalidAddress};
    if (status_[hart] != HartStatus::Stopped)
        return {Status::AlreadyAvailable};
    enter_supervisor(static_cast<unsigned>(hart), entry, opaque);
    status_[hart] = HartStatus::Started;
    return {};
}

Sbi::Reply Sbi::suspend_hart(unsigned hart, std::uint64_t type, std::uint64_t resume, std::uint64_t opaque) {
    if (type == sbi::hart_state::kNonRetentiveSuspend) {
        if (!is_entry_point(resume))
            return {Status::InvalidAddress};
        // The interrupts that end the suspension are those enabled now, so sie and the timer survive.
        const std::uint64_t enabled = state(hart).control.mie, deadline = state(hart).control.stimecmp,
                            software = state(hart).control.mip &
                                       riscv64::bit(riscv64::Interrupt::SupervisorSoftware);
        enter_supervisor(hart, resume, opaque);
        state(hart).control.mie = enabled;
        state(hart).control.mip |= software;
        set_timer(hart, deadline);
        status_[hart] = HartStatus::Suspended;
        return {Status::Success, 0, false};
    }
    if (type != sbi::hart_state::kRetentiveSuspend) {
        // Types from 0x1000'0000 in either half are the platform's, and this one has none.
        const bool reserved = type > 0xFFFF'FFFF || (type & 0x7FFF'FFFF) < 0x1000'0000;
        return {reserved ? Status::InvalidParameter : Status::NotSupported};
    }
    status_[hart] = HartStatus::Suspended;
    return {};
}

} // namespace ashlar::jit::board
