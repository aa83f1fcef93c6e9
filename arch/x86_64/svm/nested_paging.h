// Nested page tables (AMD64 Architecture Programmer's Manual, volume 2, section 15.25).
#pragma once

#include "arch/x86_64/page_table_format.h"
#include "kernel/address_space.h"
#include "kernel/memory_source.h"
#include "lib/page_table.h"

namespace ashlar::arch::svm {

// Frames of one VM as tables.
class TableFrames {
public:
    explicit TableFrames(kernel::MemorySource& memory) : memory_(memory) {}
    Result<PhysicalAddress> allocate() { return memory_.allocate_zeroed(0); }
    void free(PhysicalAddress table) { memory_.free(table, 0); }
    std::uint64_t load(PhysicalAddress table, unsigned index) const { return entries(table)[index]; }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        __atomic_store_n(&entries(table)[index], entry, __ATOMIC_RELEASE);
    }

private:
    static std::uint64_t* entries(PhysicalAddress table) {
        return static_cast<std::uint64_t*>(arch::physical_to_virtual(table));
    }
    kernel::MemorySource& memory_;
};

class NestedPaging final : public kernel::AddressSpace {
public:
    using Table = PageTable<LongModeFormat<GuestPhysicalAddress, PhysicalAddress>, TableFrames>;

    static Result<NestedPaging*> create(kernel::MemorySource& memory);
    void destroy();

    Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, kernel::Rights rights,
               kernel::MemoryType type) override;
    Status unmap(GuestPhysicalAddress from, std::uint64_t size) override;
    Status protect(GuestPhysicalAddress from, std::uint64_t size, kernel::Rights rights) override;
    Result<kernel::Mapping> translate(GuestPhysicalAddress address) const override;

    PhysicalAddress root() const { return table().root(); }
    // Changes when translations that a CPU may have cached are gone: virtual CPUs compare it before they run.
    std::uint64_t generation() const { return generation_; }

    explicit NestedPaging(kernel::MemorySource& memory) : memory_(memory), frames_(memory) {}

private:
    Table& table() { return *std::launder(reinterpret_cast<Table*>(storage_)); }
    const Table& table() const { return *std::launder(reinterpret_cast<const Table*>(storage_)); }

    kernel::MemorySource& memory_;
    TableFrames frames_;
    alignas(Table) std::byte storage_[sizeof(Table)];
    std::uint64_t generation_ = 0;
};

} // namespace ashlar::arch::svm
