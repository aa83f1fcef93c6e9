// A virtual CPU at EL1.
#pragma once

#include "arch/aarch64/el2/context.h"
#include "arch/aarch64/el2/exit_class.h"
#include "arch/aarch64/el2/guest_registers.h"
#include "arch/aarch64/el2/stage2.h"
#include "arch/aarch64/el2/virtual_gic.h"
#include "kernel/virtual_cpu.h"

namespace ashlar::arch::el2 {

class El2Cpu final : public kernel::VirtualCpu {
public:
    El2Cpu(kernel::MemorySource& memory, Stage2& space) : memory_(memory), space_(space) {}
    void destroy();

    void reset(const kernel::EntryState& state, std::uint64_t counter_origin_ns) override;
    void load() override;
    void save() override;
    kernel::VmExit run() override;
    void post_interrupt(unsigned vector) override { gic_.post(vector); }
    bool has_deliverable_interrupt() const override;
    bool takes_interrupts() const override { return gic_.is_enabled(); }
    std::uint64_t injections() const override { return gic_.delivered(); }
    void complete_hypercall(abi::Status status, std::uint64_t value) override;
    std::uint64_t instruction_pointer() const override { return context_.pc; }
    void report(Sink& sink) const override;

    // The virtual timer's interrupt came while this VM's timer was in the CPU. Held back until the VM has set
    // the timer anew.
    static void take_timer_interrupt();

private:
    kernel::VmExit handle_exit(std::uint32_t kind);
    void exit_synchronous(kernel::VmExit& exit);
    void exit_system_register(kernel::VmExit& exit);
    void exit_abort(kernel::VmExit& exit);
    void inject_undefined();
    void skip() { context_.pc += 4; }
    bool timer_is_due() const;

    kernel::MemorySource& memory_;
    Stage2& space_;
    Context context_{};
    GuestRegisters registers_{};
    mutable VirtualGic gic_;
    std::uint64_t counter_offset_ = 0;
    std::uint64_t syndrome_ = 0, fault_address_ = 0; // of the last synchronous exit
    bool loaded_ = false;
    alignas(16) std::byte vectors_[kVectorBytes]{};
};

} // namespace ashlar::arch::el2
