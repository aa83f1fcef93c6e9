// This host boots, but runs no VMs.
#include "kernel/virtual_cpu.h"

namespace ashlar::arch {

Status initialize_virtualization(kernel::MemorySource&, Sink& explanation) {
    format(explanation, "VMs on aarch64 are not supported");
    return Error::Unsupported;
}
void describe_virtualization(Sink&) {}

Result<kernel::AddressSpace*> create_address_space(kernel::MemorySource&) {
    return Error::Unsupported;
}
void destroy(kernel::AddressSpace*) {}
Result<kernel::VirtualCpu*> create_virtual_cpu(kernel::MemorySource&, kernel::AddressSpace&) {
    return Error::Unsupported;
}
void destroy(kernel::VirtualCpu*) {}
unsigned entry_table_pages() {
    return 0;
}
void fill_entry_table(unsigned, MutableBytes, GuestPhysicalAddress) {}

elf::Machine native_machine() {
    return elf::Machine::Aarch64;
}

} // namespace ashlar::arch
