// Virtual CPUs of host tests: what a VM does between two exits is a C++ function.
#pragma once

#include <bitset>
#include <functional>
#include <map>

#include "kernel/virtual_cpu.h"

namespace ashlar::arch::fake {

class VirtualCpu;
// Runs from the VM's entry, or from its last exit, to its next exit. The time that passes is what it adds to
// machine().now_ns.
using Program = std::function<kernel::VmExit(VirtualCpu&)>;

// Like hardware, it exits for a host interrupt that waits before it does anything else.
class VirtualCpu final : public kernel::VirtualCpu {
public:
    VirtualCpu(kernel::MemorySource& source, kernel::AddressSpace& vm_memory)
        : memory(source), space(vm_memory) {}

    void reset(const kernel::EntryState& state, std::uint64_t counter_origin_ns) override;
    void load() override;
    void save() override;
    kernel::VmExit run() override;
    void post_interrupt(unsigned vector) override { pending.set(vector); }
    bool has_deliverable_interrupt() const override { return interrupts_on && pending.any(); }
    bool takes_interrupts() const override { return interrupts_on; }
    std::uint64_t injections() const override { return injections_; }
    void complete_hypercall(abi::Status answer, std::uint64_t answer_value) override;
    std::uint64_t instruction_pointer() const override { return entry.entry; }
    void report(Sink& sink) const override;

    // For programs: the highest pending vector, delivered; 0 when there is none that can be.
    unsigned take_interrupt();

    kernel::MemorySource& memory;
    kernel::AddressSpace& space;
    kernel::EntryState entry;
    std::uint64_t counter_origin_ns = 0;
    bool interrupts_on = true; // of the VM
    std::bitset<256> pending;
    // The last hypercall's answer.
    abi::Status status = abi::Status::Ok;
    std::uint64_t value = 0;

private:
    bool loaded_ = false;
    std::uint64_t injections_ = 0;
};

struct Virtualization {
    bool available = true;
    std::map<std::uint64_t, Program> programs; // by the entry address of the image that they stand for
    // What the hypervisor's image carries.
    Bytes embedded_translator, embedded_guest;
};
Virtualization& virtualization();

} // namespace ashlar::arch::fake
