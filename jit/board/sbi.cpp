#include "jit/board/sbi.h"

#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::board {

namespace {
constexpr unsigned kA0 = 10, kA1 = 11, kA6 = 16, kA7 = 17;
constexpr std::uint64_t kLastLegacy = static_cast<std::uint64_t>(sbi::Extension::LegacyShutdown);
} // namespace

Sbi::Sbi(Engine& engine, unsigned harts, GuestMemory& memory, riscv64::TimeSource& time, Console& console,
         PowerSwitch& power)
    : engine_(engine), memory_(memory), time_(time), console_(console), power_(power), harts_(harts) {
    ASHLAR_ASSERT(harts != 0 && harts <= kMaxHarts);
}

void Sbi::reset(unsigned boot_hart, std::uint64_t entry, std::uint64_t device_tree) {
    ended_ = false;
    for (unsigned hart = 0; hart < harts_; ++hart) {
        const bool boots = hart == boot_hart;
        riscv64::reset_to_supervisor(state(hart), hart, boots ? entry : 0, boots ? device_tree : 0);
        flush_tlb(hart, 0, ~std::uint64_t{0});
        engine_.hart(hart).state_changed();
        status_[hart] = boots ? sbi::hart_state::HartStatus::Started : sbi::hart_state::HartStatus::Stopped;
    }
}

void Sbi::handle(unsigned hart) {
    auto& x = state(hart).x;
    const Call call{hart, x[kA7], x[kA6], {x[kA0], x[kA1], x[12], x[13], x[14], x[15]}};
    if (call.extension <= kLastLegacy) {
        x[kA0] = legacy(call); // legacy calls preserve all registers but a0
        return;
    }
    const Reply reply = dispatch(call);
    if (!reply.returns)
        return;
    x[kA0] = static_cast<std::uint64_t>(reply.status);
    x[kA1] = reply.value;
}

Sbi::Reply Sbi::dispatch(const Call& call) {
    switch (static_cast<sbi::Extension>(call.extension)) {
    case sbi::Extension::Base: return base(call);
    case sbi::Extension::Timer: return timer(call);
    case sbi::Extension::Ipi: return ipi(call);
    case sbi::Extension::RemoteFence: return remote_fence(call);
    case sbi::Extension::HartState: return hart_state(call);
    case sbi::Extension::SystemReset: return system_reset(call);
    case sbi::Extension::DebugConsole: return debug_console(call);
    default: return {Status::NotSupported};
    }
}

Sbi::Reply Sbi::base(const Call& call) {
    const auto is_offered = [](std::uint64_t extension) {
        switch (static_cast<sbi::Extension>(extension)) {
        case sbi::Extension::Base:
        case sbi::Extension::Timer:
        case sbi::Extension::Ipi:
        case sbi::Extension::RemoteFence:
        case sbi::Extension::HartState:
        case sbi::Extension::SystemReset:
        case sbi::Extension::DebugConsole: return true;
        default: return extension <= kLastLegacy;
        }
    };
    switch (call.function) {
    case sbi::base::GetSpecificationVersion: return {Status::Success, sbi::kSpecificationVersion};
    case sbi::base::GetImplementation: return {Status::Success, sbi::kImplementation};
    case sbi::base::GetImplementationVersion: return {Status::Success, sbi::kImplementationVersion};
    case sbi::base::ProbeExtension: return {Status::Success, is_offered(call.argument[0]) ? 1u : 0u};
    case sbi::base::GetVendor:
    case sbi::base::GetArchitecture:
    case sbi::base::GetMachineImplementation: return {Status::Success}; // as mvendorid and so on read
    default: return {Status::NotSupported};
    }
}

void Sbi::set_timer(unsigned hart, std::uint64_t deadline) {
    state(hart).control.stimecmp = deadline;
    riscv64::update_supervisor_timer(state(hart), time_.time());
    engine_.hart(hart).state_changed();
}

Sbi::Reply Sbi::timer(const Call& call) {
    if (call.function != 0)
        return {Status::NotSupported};
    set_timer(call.hart, call.argument[0]);
    return {};
}

Sbi::HartSet Sbi::all_harts() const {
    return ~std::uint64_t{0} >> (64 - harts_);
}

bool Sbi::select(std::uint64_t mask, std::uint64_t base, HartSet& harts) const {
    if (base == ~std::uint64_t{0}) {
        harts = all_harts();
        return true;
    }
    if (base >= harts_)
        return false;
    harts = mask << base;
    return harts >> base == mask && (harts & ~all_harts()) == 0;
}

template <class Action>
void Sbi::for_each_active(HartSet harts, Action action) {
    for (unsigned hart = 0; hart < harts_; ++hart)
        if ((harts >> hart & 1) != 0 && status_[hart] != sbi::hart_state::HartStatus::Stopped)
            action(hart);
}

Sbi::Reply Sbi::ipi(const Call& call) {
    HartSet harts = 0;
    if (call.function != 0)
        return {Status::NotSupported};
    if (!select(call.argument[0], call.argument[1], harts))
        return {Status::InvalidParameter};
    for_each_active(harts, [this](unsigned hart) {
        engine_.hart(hart).set_interrupt(riscv64::Interrupt::SupervisorSoftware, true);
    });
    return {};
}

// A size of 0 with a start of 0, like a size of all ones, means everything.
void Sbi::flush_tlb(unsigned hart, std::uint64_t start, std::uint64_t size) {
    if (start == 0 && size == 0)
        size = ~std::uint64_t{0};
    engine_.hart(hart).flush_tlb(GuestVirtualAddress(start), size);
}

Sbi::Reply Sbi::remote_fence(const Call& call) {
    HartSet harts = 0;
    if (call.function > sbi::remote_fence::SfenceVmaAsid)
        return {Status::NotSupported}; // the rest is for the hypervisor extension
    if (!select(call.argument[0], call.argument[1], harts))
        return {Status::InvalidParameter};
    // Stores keep translations coherent (GuestMemory::note_write), so FENCE.I has nothing left to do for
    // harts that stand between two blocks. Flushing all address spaces includes the one asked for.
    if (call.function != sbi::remote_fence::FenceI)
        for_each_active(harts, [&](unsigned hart) { flush_tlb(hart, call.argument[2], call.argument[3]); });
    return {};
}

void Sbi::end(bool reboot, int code) {
    ended_ = true;
    if (reboot)
        power_.reset();
    else
        power_.power_off(code);
}

Sbi::Reply Sbi::system_reset(const Call& call) {
    const std::uint64_t type = call.argument[0], reason = call.argument[1];
    if (call.function != 0)
        return {Status::NotSupported};
    if (type > sbi::system_reset::kWarmReboot || reason > sbi::system_reset::kSystemFailure)
        return {Status::InvalidParameter};
    end(type != sbi::system_reset::kShutdown, reason == sbi::system_reset::kSystemFailure ? 1 : 0);
    return {};
}

} // namespace ashlar::jit::board
