// Interrupts of a VM by the GICv3's list registers (Arm IHI 0069, section 9.4). The VM has the CPU
// interface's system registers and no distributor: a vector of lib/vm_abi.h is an interrupt of that number,
// of group 1.
#pragma once

#include <array>
#include <cstdint>

#include "lib/bitmap.h"

namespace ashlar::arch::el2 {

// Of one virtual CPU, used by the CPU that runs it.
class VirtualGic {
public:
    static constexpr unsigned kVectors = 256;
    // That the CPU has and we use.
    static unsigned list_registers();

    void reset() { *this = VirtualGic(); }
    // Pending once, however often it is posted before it is taken.
    void post(unsigned vector) { pending_.set(vector % kVectors); }
    // Put this VM's state into the CPU's registers and take it out again.
    void load();
    void save();
    // Before and after each run: moves what is pending into list registers, and notes what the VM has taken.
    void enter();
    void leave();

    // Whether one is on its way that wakes the VM: WFI ends whether or not PSTATE.I masks it.
    bool has_waking_interrupt();
    // Whether the VM's CPU interface lets any through.
    bool is_enabled() const;
    std::uint64_t delivered() const { return delivered_; }

private:
    static constexpr unsigned kMaxRegisters = 4;

    std::array<std::uint64_t, kMaxRegisters> list_{};
    std::uint64_t machine_control_ = 0; // ICH_VMCR_EL2
    std::uint64_t active_ = 0;          // ICH_AP1R0_EL2
    std::uint64_t delivered_ = 0;
    Bitmap<kVectors> pending_;
};

} // namespace ashlar::arch::el2
