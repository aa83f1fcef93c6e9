// What a hardware virtualization extension does for the kernel: a virtual CPU that runs until something
// happens. SVM implements it; VMX and EL2 have the same shape. The fake architecture implements it for host
// tests.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/address_space.h"
#include "kernel/memory_source.h"
#include "kernel/vm_exit.h"
#include "lib/elf.h"
#include "lib/format.h"
#include "lib/vm_abi.h"

namespace ashlar::kernel {

// The entry state of lib/vm_abi.h.
struct EntryState {
    std::uint64_t entry = 0;           // virtual
    std::uint64_t stack_top = 0;       // virtual
    std::uint64_t boot_info = 0;       // virtual; the first argument
    GuestPhysicalAddress entry_tables; // page tables made by arch::fill_entry_table
};

// Runs on one CPU at a time, which calls everything here; interrupts are off.
class VirtualCpu {
public:
    // Sets the entry state. The VM's counter (x86: TSC) reads `counter_origin_ns` before now as 0.
    virtual void reset(const EntryState& state, std::uint64_t counter_origin_ns) = 0;

    // Bracket one or more runs: put the VM's registers that run() does not switch (FPU, debug registers) into
    // this CPU, and take them out again.
    virtual void load() = 0;
    virtual void save() = 0;
    // Between load() and save(): runs the VM until an exit. Everything of the VM that a later run needs is
    // kept; instructions that the exit completes are skipped already.
    virtual VmExit run() = 0;

    // Makes `vector` pending; it is delivered by a later run() as soon as the VM takes interrupts. A vector
    // that is pending already stays pending once.
    virtual void post_interrupt(unsigned vector) = 0;
    // Whether a VM that waits for an interrupt has one to go on with.
    virtual bool has_deliverable_interrupt() const = 0;
    // Whether it would ever take one, as its state stands.
    virtual bool takes_interrupts() const = 0;
    // Interrupts delivered since reset().
    virtual std::uint64_t injections() const = 0;

    // Answers the hypercall of the last exit.
    virtual void complete_hypercall(abi::Status status, std::uint64_t value) = 0;

    // The VM's instruction pointer, for short messages.
    virtual std::uint64_t instruction_pointer() const = 0;
    // Registers and the hardware's account of the last exit, lines that end in '\n'.
    virtual void report(Sink& sink) const = 0;

protected:
    ~VirtualCpu() = default;
};

} // namespace ashlar::kernel

// What every architecture defines.
namespace ashlar::arch {

// Prepares this CPU for running VMs; memory comes from `memory` and stays. Unsupported when the hardware
// cannot do what we need: `explanation` says what is missing.
Status initialize_virtualization(kernel::MemorySource& memory, Sink& explanation);
// One line for the boot log, such as "SVM, nested paging, 16 address-space identifiers".
void describe_virtualization(Sink& sink);

// Live in frames of `memory`, which outlives them; destroy() gives the frames back.
Result<kernel::AddressSpace*> create_address_space(kernel::MemorySource& memory);
void destroy(kernel::AddressSpace* space);
// Translates through `space`, which outlives it.
Result<kernel::VirtualCpu*> create_virtual_cpu(kernel::MemorySource& memory, kernel::AddressSpace& space);
void destroy(kernel::VirtualCpu* cpu);

// The page tables of the entry state: `entry_table_pages()` consecutive pages at guest-physical `tables`,
// filled one at a time.
unsigned entry_table_pages();
void fill_entry_table(unsigned index, MutableBytes page, GuestPhysicalAddress tables);

// Programs that native VMs (and the translator) are made of.
elf::Machine native_machine();

} // namespace ashlar::arch
