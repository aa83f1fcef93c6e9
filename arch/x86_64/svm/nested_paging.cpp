#include "arch/x86_64/svm/nested_paging.h"

#include "arch/x86_64/common/registers.h"

namespace ashlar::arch::svm {
namespace {

// To nested paging every access of the VM is one of user mode. There is no way to refuse reads alone.
PageRights rights_of(kernel::Rights rights, kernel::MemoryType type) {
    return {.write = rights.write,
            .execute = rights.execute,
            .user = true,
            .uncached = type == kernel::MemoryType::Uncached};
}

bool has_1g_pages() {
    constexpr std::uint32_t kPage1Gb = 1 << 26; // CPUID 0x80000001, edx
    return (cpuid(0x80000001).edx & kPage1Gb) != 0;
}

} // namespace

Result<NestedPaging*> NestedPaging::create(kernel::MemorySource& memory) {
    NestedPaging* const space = ASHLAR_TRY(kernel::create_in_frames<NestedPaging>(memory, memory));
    Result<Table> table = Table::create(space->frames_, has_1g_pages() ? 3u : 2u);
    if (!table.ok()) {
        kernel::destroy_in_frames(memory, space);
        return table.error();
    }
    ::new (space->storage_) Table(std::move(table).value());
    return space;
}

void NestedPaging::destroy() {
    table().~Table();
    kernel::destroy_in_frames(memory_, this);
}

Status NestedPaging::map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size,
                         kernel::Rights rights, kernel::MemoryType type) {
    if (!rights.read)
        return Error::Unsupported;
    return table().map(from, to, size, rights_of(rights, type));
}

Status NestedPaging::unmap(GuestPhysicalAddress from, std::uint64_t size) {
    ++generation_;
    return table().unmap(from, size);
}

Status NestedPaging::protect(GuestPhysicalAddress from, std::uint64_t size, kernel::Rights rights) {
    if (!rights.read)
        return Error::Unsupported;
    ++generation_;
    return table().change(from, size, [&](PageRights changed) {
        changed.write = rights.write;
        changed.execute = rights.execute;
        return changed;
    });
}

Result<kernel::Mapping> NestedPaging::translate(GuestPhysicalAddress address) const {
    const Table::Mapping mapping = ASHLAR_TRY(table().translate(address));
    return kernel::Mapping{mapping.address,
                           mapping.leaf_size,
                           {.read = true, .write = mapping.rights.write, .execute = mapping.rights.execute}};
}

} // namespace ashlar::arch::svm
