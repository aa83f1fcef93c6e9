#include "arch/aarch64/el2/virtual_gic.h"

#include <algorithm>

#include "arch/aarch64/el2/cpu.h"
#include "arch/aarch64/registers.h"

namespace ashlar::arch::el2 {
namespace {

constexpr std::uint64_t kEnable = 1 << 0, kUnderflowInterrupt = 1 << 1;                      // ICH_HCR_EL2
constexpr std::uint64_t kGroup1Enabled = 1 << 1;                                             // ICH_VMCR_EL2
constexpr std::uint64_t kPending = std::uint64_t{1} << 62, kActive = std::uint64_t{1} << 63; // ICH_LR<n>_EL2
constexpr std::uint64_t kGroup1 = std::uint64_t{1} << 60;
constexpr std::uint64_t kPriority = 0x80;
constexpr unsigned kPriorityShift = 48, kMaskShift = 24;

std::uint64_t read_list(unsigned index) {
    switch (index) {
    case 0: return READ_REGISTER(ich_lr0_el2);
    case 1: return READ_REGISTER(ich_lr1_el2);
    case 2: return READ_REGISTER(ich_lr2_el2);
    default: return READ_REGISTER(ich_lr3_el2);
    }
}
void write_list(unsigned index, std::uint64_t value) {
    switch (index) {
    case 0: WRITE_REGISTER(ich_lr0_el2, value); break;
    case 1: WRITE_REGISTER(ich_lr1_el2, value); break;
    case 2: WRITE_REGISTER(ich_lr2_el2, value); break;
    default: WRITE_REGISTER(ich_lr3_el2, value); break;
    }
}

std::uint64_t vector_of(std::uint64_t entry) {
    return entry & 0xffff'ffff;
}

} // namespace

unsigned VirtualGic::list_registers() {
    return std::min(static_cast<unsigned>(READ_REGISTER(ich_vtr_el2) & 0x1f) + 1, kMaxRegisters);
}

void VirtualGic::load() {
    for (unsigned i = 0; i < features().list_registers; ++i)
        write_list(i, list_[i]);
    WRITE_REGISTER(ich_vmcr_el2, machine_control_);
    WRITE_REGISTER(ich_ap1r0_el2, active_);
    WRITE_REGISTER(ich_hcr_el2, kEnable);
}

void VirtualGic::save() {
    active_ = READ_REGISTER(ich_ap1r0_el2);
    WRITE_REGISTER(ich_hcr_el2, 0);
}

void VirtualGic::enter() {
    std::uint64_t control = kEnable;
    const BitmapView pending = pending_.view();
    for (auto vector = pending.find_set(); vector; vector = pending.find_set(*vector + 1)) {
        const auto same = [&](std::uint64_t entry) {
            return (entry & (kPending | kActive)) != 0 && vector_of(entry) == *vector;
        };
        const auto end = list_.begin() + features().list_registers;
        auto place = std::find_if(list_.begin(), end, same);
        if (place == end)
            place = std::find_if(list_.begin(), end,
                                 [](std::uint64_t entry) { return (entry & (kPending | kActive)) == 0; });
        if (place == end) {
            control |= kUnderflowInterrupt; // tells when there is room again
            break;
        }
        delivered_ += (*place & kPending) == 0 ? 1 : 0;
        *place = (*place & kActive) | kPending | kGroup1 | kPriority << kPriorityShift | *vector;
        write_list(static_cast<unsigned>(place - list_.begin()), *place);
        pending_.clear(*vector);
        if (*vector + 1 == kVectors)
            break;
    }
    WRITE_REGISTER(ich_hcr_el2, control);
}

void VirtualGic::leave() {
    for (unsigned i = 0; i < features().list_registers; ++i)
        if (list_[i] != 0)
            list_[i] = read_list(i);
    machine_control_ = READ_REGISTER(ich_vmcr_el2);
    WRITE_REGISTER(ich_hcr_el2, kEnable); // what told of room would go on to tell us
}

bool VirtualGic::is_enabled() const {
    return (machine_control_ & kGroup1Enabled) != 0 && (machine_control_ >> kMaskShift & 0xff) > kPriority;
}

bool VirtualGic::has_waking_interrupt() {
    if (!is_enabled())
        return false;
    return pending_.view().find_set().has_value() ||
           std::any_of(list_.begin(), list_.end(),
                       [](std::uint64_t entry) { return (entry & kPending) != 0; });
}

} // namespace ashlar::arch::el2
