#include "arch/x86_64/paging.h"

#include "arch/cpu.h"
#include "arch/pci.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/common/stacks.h"
#include "arch/x86_64/memory_layout.h"
#include "kernel/host_tables.h"
#include "kernel/image.h"

namespace ashlar::arch {
namespace {

struct Host {
    using Format = HostFormat;
    static constexpr VirtualAddress kDirectMapBase = arch::kDirectMapBase;
    static constexpr std::uint64_t kDirectMapBytes = arch::kDirectMapBytes;
    // No entry is global.
    static void invalidate() { write_cr3(read_cr3()); }
};

constinit kernel::HostTables<Host> tables;

Status map_section(const std::byte* begin, const std::byte* end, PageRights rights) {
    const VirtualAddress from(reinterpret_cast<std::uintptr_t>(begin));
    const std::uint64_t size = (static_cast<std::uint64_t>(end - begin) + kPageSize - 1) & ~(kPageSize - 1);
    return tables.table().map(from, image_to_physical(begin), size, rights);
}

Status map_image() {
    using namespace kernel;
    ASHLAR_TRY(map_section(image_begin, text_end, {.execute = true}));
    ASHLAR_TRY(map_section(rodata_begin, rodata_end, {}));
    ASHLAR_TRY(map_section(data_begin, image_end, {.write = true}));
    for (unsigned stack = 0; stack < kStacks; ++stack)
        ASHLAR_TRY(tables.table().unmap(stack_guard(stack), kPageSize));
    return {};
}

bool has_1g_pages() {
    constexpr std::uint32_t kPage1Gb = 1 << 26; // CPUID 0x80000001, edx
    return (cpuid(0x80000001).edx & kPage1Gb) != 0;
}

} // namespace

Status enter_final_address_space(kernel::BootInformation& boot) {
    ASHLAR_TRY(tables.create(kernel::find_early_memory(boot, {0, kBootMappedBytes}), has_1g_pages() ? 3 : 2));
    ASHLAR_TRY(map_image());
    ASHLAR_TRY(tables.map_direct(boot));
    write_cr3(tables.table().root().value());
    tables.finish(boot);
    return {};
}

Status map_device(PhysicalAddress address, std::uint64_t size) {
    return tables.map_device(address, size);
}

bool check_write_xor_execute(Sink& sink) {
    ASHLAR_ASSERT(read_cr3() == tables.table().root().value());
    return tables.check_write_xor_execute(sink);
}

} // namespace ashlar::arch
