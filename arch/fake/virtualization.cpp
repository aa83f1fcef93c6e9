#include "arch/fake/virtualization.h"

#include <algorithm>
#include <optional>

#include "arch/fake/machine.h"
#include "arch/x86_64/page_table_format.h"
#include "kernel/embedded.h"
#include "lib/page_table.h"

namespace ashlar::arch {
namespace fake {
namespace {

class TableFrames {
public:
    explicit TableFrames(kernel::MemorySource& memory) : memory_(memory) {}
    Result<PhysicalAddress> allocate() { return memory_.allocate_zeroed(0); }
    void free(PhysicalAddress table) { memory_.free(table, 0); }
    std::uint64_t load(PhysicalAddress table, unsigned index) const { return entries(table)[index]; }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) { entries(table)[index] = entry; }

private:
    static std::uint64_t* entries(PhysicalAddress table) {
        return static_cast<std::uint64_t*>(physical_to_virtual(table));
    }
    kernel::MemorySource& memory_;
};

using Table = PageTable<LongModeFormat<GuestPhysicalAddress, PhysicalAddress>, TableFrames>;

PageRights rights_of(kernel::Rights rights) {
    return {.write = rights.write, .execute = rights.execute, .user = true};
}

// Real tables in the VM's frames, so that tests see what they cost.
class TableSpace final : public kernel::AddressSpace {
public:
    static Result<TableSpace*> create(kernel::MemorySource& memory) {
        TableSpace* const space = ASHLAR_TRY(kernel::create_in_frames<TableSpace>(memory, memory));
        Result<Table> table = Table::create(space->frames_);
        if (!table.ok()) {
            kernel::destroy_in_frames(memory, space);
            return table.error();
        }
        space->table_.emplace(std::move(table).value());
        return space;
    }
    explicit TableSpace(kernel::MemorySource& memory) : memory_(memory), frames_(memory) {}

    void destroy() { kernel::destroy_in_frames(memory_, this); }
    Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, kernel::Rights rights,
               kernel::MemoryType) override {
        return table_->map(from, to, size, rights_of(rights));
    }
    Status unmap(GuestPhysicalAddress from, std::uint64_t size) override { return table_->unmap(from, size); }
    Status protect(GuestPhysicalAddress from, std::uint64_t size, kernel::Rights rights) override {
        return table_->protect(from, size, rights_of(rights));
    }
    Result<kernel::Mapping> translate(GuestPhysicalAddress address) const override {
        const Table::Mapping mapping = ASHLAR_TRY(table_->translate(address));
        return kernel::Mapping{
            mapping.address,
            mapping.leaf_size,
            {.read = true, .write = mapping.rights.write, .execute = mapping.rights.execute}};
    }

private:
    kernel::MemorySource& memory_;
    TableFrames frames_;
    std::optional<Table> table_;
};

} // namespace

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
