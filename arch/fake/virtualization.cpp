#include "arch/fake/virtualization.h"

#include <algorithm>

#include "arch/fake/machine.h"
#include "arch/fake/table_space.h"
#include "kernel/embedded.h"

namespace ashlar::arch {
namespace fake {
Virtualization& virtualization() {
    static Virtualization instance;
    return instance;
}

void VirtualCpu::reset(const kernel::EntryState& state, std::uint64_t origin_ns) {
    entry = state;
    counter_origin_ns = origin_ns;
    pending.reset();
}

void VirtualCpu::load() {
    ASHLAR_ASSERT(!loaded_);
    loaded_ = true;
}

void VirtualCpu::save() {
    ASHLAR_ASSERT(loaded_);
    loaded_ = false;
}

kernel::VmExit VirtualCpu::run() {
    ASHLAR_ASSERT(loaded_ && !machine().interrupts_on);
    kernel::VmExit exit;
    if (machine().timer_deadline <= machine().now_ns) {
        exit.reason = kernel::VmExit::Reason::Interrupt;
        return exit;
    }
    const auto program = virtualization().programs.find(entry.entry);
    if (program != virtualization().programs.end())
        return program->second(*this);
    exit.reason = kernel::VmExit::Reason::Shutdown; // there is nothing to run
    return exit;
}

void VirtualCpu::complete_hypercall(abi::Status answer, std::uint64_t answer_value) {
    status = answer;
    value = answer_value;
}

void VirtualCpu::report(Sink& sink) const {
    format(sink, "fake registers: entry {:#x}\n", entry.entry);
}

unsigned VirtualCpu::take_interrupt() {
    if (!interrupts_on)
        return 0;
    for (unsigned vector = 255; vector != 0; --vector)
        if (pending.test(vector)) {
            pending.reset(vector);
            ++injections_;
            return vector;
        }
    return 0;
}

} // namespace fake

Status initialize_virtualization(kernel::MemorySource&, Sink& explanation) {
    if (fake::virtualization().available)
        return {};
    explanation.write("the test says so");
    return Error::Unsupported;
}

void describe_virtualization(Sink& sink) {
    sink.write("fake");
}

Result<kernel::AddressSpace*> create_address_space(kernel::MemorySource& memory) {
    return ASHLAR_TRY(fake::TableSpace::create(memory));
}

void destroy(kernel::AddressSpace* space) {
    static_cast<fake::TableSpace*>(space)->destroy();
}

Result<kernel::VirtualCpu*> create_virtual_cpu(kernel::MemorySource& memory, kernel::AddressSpace& space) {
    return ASHLAR_TRY(kernel::create_in_frames<fake::VirtualCpu>(memory, memory, space));
}

void destroy(kernel::VirtualCpu* cpu) {
    auto* const fake_cpu = static_cast<fake::VirtualCpu*>(cpu);
    kernel::destroy_in_frames(fake_cpu->memory, fake_cpu);
}

unsigned entry_table_pages() {
    return 2;
}

// Recognizable contents.
void fill_entry_table(unsigned index, MutableBytes page, GuestPhysicalAddress tables) {
    std::fill(page.begin(), page.end(), std::byte{0});
    store_le(page.data(), tables.value() + index);
}

elf::Machine native_machine() {
    return elf::Machine::X86_64;
}

} // namespace ashlar::arch

namespace ashlar::kernel {

Bytes embedded_translator() {
    return arch::fake::virtualization().embedded_translator;
}
Bytes embedded_guest() {
    return arch::fake::virtualization().embedded_guest;
}

} // namespace ashlar::kernel
