// A virtual CPU on SVM.
#pragma once

#include <array>

#include "arch/x86_64/svm/exit_code.h"
#include "arch/x86_64/svm/nested_paging.h"
#include "arch/x86_64/svm/vmcb.h"
#include "kernel/shootdown.h"
#include "kernel/virtual_cpu.h"
#include "lib/bitmap.h"

namespace ashlar::arch::svm {

// In the order of run.S.
struct GuestRegisters {
    std::uint64_t rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};
static_assert(offsetof(GuestRegisters, rsi) == 0x18 && offsetof(GuestRegisters, r15) == 0x68);

class SvmCpu final : public kernel::VirtualCpu {
public:
    static Result<SvmCpu*> create(kernel::MemorySource& memory, NestedPaging& space);
    void destroy();

    void reset(const kernel::EntryState& state, std::uint64_t counter_origin_ns) override;
    void load() override;
    void save() override;
    kernel::VmExit run() override;
    void post_interrupt(unsigned vector) override { pending_.set(vector & 0xff); }
    bool has_deliverable_interrupt() const override;
    bool takes_interrupts() const override;
    std::uint64_t injections() const override { return injections_; }
    void complete_hypercall(abi::Status status, std::uint64_t value) override;
    std::uint64_t instruction_pointer() const override { return vmcb().save.rip; }
    void report(Sink& sink) const override;

    SvmCpu(kernel::MemorySource& memory, NestedPaging& space, PhysicalAddress vmcb, PhysicalAddress state);

private:
    Vmcb& vmcb() const { return *static_cast<Vmcb*>(physical_to_virtual(vmcb_)); }
    std::byte* extended_state() const { return static_cast<std::byte*>(physical_to_virtual(state_)); }
    void set_controls();
    void set_entry_registers(const kernel::EntryState& state);
    void prepare_flush(std::uint64_t generation);
    void prepare_events();
    int highest_pending() const;
    void skip(unsigned length);
    void inject_exception(unsigned vector, bool has_error_code = false);
    kernel::VmExit handle_exit();
    void exit_cpuid();
    void exit_msr();
    void exit_xsetbv();
    void exit_emulated(ExitCode code);
    bool read_msr_for_guest(std::uint32_t msr, std::uint64_t& value) const;
    bool write_msr_for_guest(std::uint32_t msr, std::uint64_t value);

    kernel::MemorySource& memory_;
    NestedPaging& space_;
    PhysicalAddress vmcb_, state_;
    GuestRegisters registers_{};
    Bitmap<256> pending_;
    std::uint64_t xcr0_ = 1;
    std::uint64_t injections_ = 0;
    kernel::CachedTranslations translations_;
    std::uint64_t flushed_generation_ = ~std::uint64_t{0}; // as of which there is nothing older in the TLB
    std::uint32_t asid_ = 0;
};

} // namespace ashlar::arch::svm
