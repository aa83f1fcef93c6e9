#include "arch/aarch64/paging.h"

#include "arch/aarch64/memory_layout.h"
#include "arch/aarch64/page_table_format.h"
#include "arch/aarch64/registers.h"
#include "arch/aarch64/stacks.h"
#include "arch/cpu.h"
#include "arch/pci.h"
#include "kernel/host_tables.h"
#include "kernel/image.h"

namespace ashlar::arch {

extern "C" const std::byte identity_begin[], identity_end[]; // of the linker script
// Of boot/entry.S, levels as lib/page_table.h counts them.
extern "C" std::uint64_t boot_physical_level2[512], boot_image_level2[512];
// switch_tables.S
extern "C" void switch_tables(std::uint64_t root, std::uint64_t control, std::uint64_t code);
extern "C" const std::byte switch_tables_code[];

namespace {

struct Host {
    using Format = El2Format;
    static constexpr VirtualAddress kDirectMapBase = arch::kDirectMapBase;
    static constexpr std::uint64_t kDirectMapBytes = arch::kDirectMapBytes;
    static void invalidate() { asm volatile("dsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb" : : : "memory"); }
};

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

constinit kernel::HostTables<Host> tables;
constinit PhysicalAddress image;

// What the boot tables can be made to reach.
kernel::Piece image_gibibyte() {
    const std::uint64_t begin = image.align_down(kGiB).value();
    return {begin, begin + kGiB};
}

Status map_section(const std::byte* begin, const std::byte* end, PageRights rights) {
    const VirtualAddress from(reinterpret_cast<std::uintptr_t>(begin));
    return tables.table().map(from, image_to_physical(begin), static_cast<std::uint64_t>(end - begin),
                              rights);
}

Status map_image() {
    using namespace kernel;
    ASHLAR_TRY(map_section(image_begin, text_end, {.execute = true}));
    ASHLAR_TRY(map_section(rodata_begin, rodata_end, {}));
    ASHLAR_TRY(map_section(data_begin, image_end, {.write = true}));
    for (unsigned stack = 0; stack < kStacks; ++stack)
        ASHLAR_TRY(tables.table().unmap(stack_guard(stack), kPageSize));
    // Code that turns the MMU off and on is where it will be.
    const PhysicalAddress identity = image_to_physical(identity_begin);
    return tables.table().map(VirtualAddress(identity.value()), identity,
                              static_cast<std::uint64_t>(identity_end - identity_begin), {.execute = true});
}

} // namespace

void set_image_address(PhysicalAddress address) {
    image = address;
}
PhysicalAddress image_to_physical(const void* symbol) {
    return image + static_cast<std::uint64_t>(static_cast<const std::byte*>(symbol) - kernel::image_begin);
}

void* physical_to_virtual(PhysicalAddress address) {
    return reinterpret_cast<void*>((kDirectMapBase + address.value()).value());
}
PhysicalAddress virtual_to_physical(const void* direct_map_pointer) {
    return PhysicalAddress(VirtualAddress(reinterpret_cast<std::uintptr_t>(direct_map_pointer)) -
                           kDirectMapBase);
}

void reach_usable_memory(const kernel::BootInformation& boot) {
    const kernel::Piece reach = image_gibibyte();
    kernel::for_each_usable_run(boot, [&](std::uint64_t begin, std::uint64_t end) {
        const std::uint64_t first =
            (std::max(begin << kPageShift, reach.begin) + kBootBlock - 1) & ~(kBootBlock - 1);
        for (std::uint64_t at = first; at + kBootBlock <= std::min(end << kPageShift, reach.end);
             at += kBootBlock)
            boot_physical_level2[at >> IMAGE_BLOCK_SHIFT & 511] =
                El2Format::leaf(PhysicalAddress(at), 2, {.write = true});
    });
    asm volatile("dsb ishst\n\tisb" : : : "memory");
}

void* reach_boot_device(PhysicalAddress registers) {
    boot_image_level2[511] =
        El2Format::leaf(registers.align_down(kBootBlock), 2, {.write = true, .uncached = true});
    asm volatile("dsb ishst\n\tisb" : : : "memory");
    return reinterpret_cast<void*>((kBootDevice + (registers.value() & (kBootBlock - 1))).value());
}

Status enter_final_address_space(kernel::BootInformation& boot) {
    kernel::Piece early = kernel::find_early_memory(boot, image_gibibyte());
    early.begin = (early.begin + kBootBlock - 1) & ~(kBootBlock - 1);
    early.end &= ~(kBootBlock - 1);
    ASHLAR_TRY(tables.create(early, 3));
    ASHLAR_TRY(map_image());
    ASHLAR_TRY(tables.map_direct(boot));
    constexpr std::uint64_t kWriteImpliesNoExecute = 1 << 19; // SCTLR_EL2.WXN
    switch_tables(tables.table().root().value(), READ_REGISTER(sctlr_el2) | kWriteImpliesNoExecute,
                  image_to_physical(switch_tables_code).value());
    tables.finish(boot);
    return {};
}

Status map_device(PhysicalAddress address, std::uint64_t size) {
    return tables.map_device(address, size);
}

bool check_write_xor_execute(Sink& sink) {
    constexpr std::uint64_t kRoot = 0x0000'ffff'ffff'fffe;
    ASHLAR_ASSERT((READ_REGISTER(ttbr0_el2) & kRoot) == tables.table().root().value());
    return tables.check_write_xor_execute(sink);
}

} // namespace ashlar::arch
