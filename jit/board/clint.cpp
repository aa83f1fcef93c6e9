#include "jit/board/clint.h"

#include <algorithm>

#include "jit/board/register_access.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint64_t kTimerCompareEnd = Clint::kTime;

} // namespace

Clint::Clint(HartInterrupts& interrupts, Timebase& timebase, unsigned harts)
    : interrupts_(&interrupts), timebase_(&timebase), harts_(harts) {
    ASHLAR_ASSERT(harts <= kMaxHarts);
}

void Clint::reset() {
    timebase_->set(0);
    for (unsigned hart = 0; hart < harts_; ++hart) {
        state_[hart] = {};
        interrupts_->set_interrupt(hart, riscv64::Interrupt::MachineSoftware, false);
        interrupts_->set_interrupt(hart, riscv64::Interrupt::MachineTimer, false);
    }
}

Result<std::uint64_t> Clint::read(std::uint64_t offset, unsigned width) {
    if (width < 4 || offset % width != 0)
        return Error::Misaligned;
    if (offset < kTimerCompare) {
        const std::uint64_t hart = offset / 4;
        return std::uint64_t{width == 4 && hart < harts_ && state_[hart].software};
    }
    if (offset < kTimerCompareEnd) {
        const std::uint64_t hart = (offset - kTimerCompare) / 8;
        return hart < harts_ ? part_of(state_[hart].compare, offset, width) : 0;
    }
    return offset < kTime + 8 ? part_of(timebase_->time(), offset, width) : 0;
}

Status Clint::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (width < 4 || offset % width != 0)
        return Error::Misaligned;
    if (offset < kTimerCompare) {
        const std::uint64_t hart = offset / 4;
        if (width == 4 && hart < harts_) {
            state_[hart].software = (value & 1) != 0;
            interrupts_->set_interrupt(static_cast<unsigned>(hart), riscv64::Interrupt::MachineSoftware,
                                       state_[hart].software);
        }
    } else if (offset < kTimerCompareEnd) {
        const std::uint64_t hart = (offset - kTimerCompare) / 8;
        if (hart < harts_) {
            replace_part(state_[hart].compare, offset, width, value);
            update_hart(static_cast<unsigned>(hart), timebase_->time());
        }
    } else if (offset < kTime + 8) {
        std::uint64_t now = timebase_->time();
        replace_part(now, offset, width, value);
        timebase_->set(now);
        update(now);
    }
    return {};
}

void Clint::update_hart(unsigned hart, std::uint64_t now) {
    PerHart& state = state_[hart];
    const bool due = now >= state.compare;
    if (due != state.timer)
        interrupts_->set_interrupt(hart, riscv64::Interrupt::MachineTimer, due);
    state.timer = due;
}

void Clint::update(std::uint64_t now) {
    for (unsigned hart = 0; hart < harts_; ++hart)
        update_hart(hart, now);
}

std::uint64_t Clint::next_deadline() const {
    std::uint64_t earliest = ~std::uint64_t{0};
    for (unsigned hart = 0; hart < harts_; ++hart)
        if (!state_[hart].timer)
            earliest = std::min(earliest, state_[hart].compare);
    return earliest;
}

} // namespace ashlar::jit::board
