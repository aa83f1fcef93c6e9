// From the boot protocol's entry to kernel_main: console, exceptions, what the firmware says, our own tables,
// clocks.
#include <algorithm>

#include "arch/cpu.h"
#include "arch/x86_64/boot/boot_protocol.h"
#include "arch/x86_64/boot/numa.h"
#include "arch/x86_64/boot/protocol.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/common/cpu_features.h"
#include "arch/x86_64/common/interrupt_frame.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/local_apic.h"
#include "arch/x86_64/memory_layout.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/serial.h"
#include "kernel/image.h"
#include "kernel/log.h"
#include "kernel/selftest.h"

namespace ashlar::arch {
namespace {

using kernel::log;

// Physical memory as the boot tables show it.
class BootReader final : public acpi::PhysicalReader {
public:
    Result<Bytes> view(PhysicalAddress address, std::uint64_t size) override {
        if (address.value() >= kBootMappedBytes || size > kBootMappedBytes - address.value())
            return Error::OutOfRange;
        return Bytes{static_cast<const std::byte*>(physical_to_virtual(address)), size};
    }
};

constinit kernel::BootInformation boot_information{};
constinit acpi::Tables acpi_tables{};

[[noreturn]] void fail(std::string_view what, Error error) {
    log("ashlar: fatal: {}: {}\n", what, error);
    power_off(false);
}

Status read_protocol(unsigned protocol, PhysicalAddress information) {
    BootReader reader;
    switch (protocol) {
    case PROTOCOL_PVH: return read_pvh(reader, information, boot_information);
    case PROTOCOL_MULTIBOOT2: return read_multiboot2(reader, information, boot_information);
    default: return Error::Unsupported;
    }
}

// What the CPU can address and the direct map holds.
PhysicalAddress physical_limit() {
    constexpr std::uint32_t kAddressSizes = 0x80000008;
    const unsigned bits = cpuid(0x80000000).eax >= kAddressSizes ? cpuid(kAddressSizes).eax & 0xff : 36;
    return PhysicalAddress(std::min(std::uint64_t{1} << std::min(bits, 63u), kDirectMapBytes));
}

std::uint32_t boot_apic_id() {
    constexpr std::uint32_t kTopologyLeaf = 0xb;
    if (cpuid(0).eax >= kTopologyLeaf)
        if (const Cpuid topology = cpuid(kTopologyLeaf); topology.ebx != 0)
            return topology.edx;
    return cpuid(1).ebx >> 24;
}

void read_acpi() {
    BootReader reader;
    kernel::ConsoleSink console;
    Result<acpi::Tables> tables = acpi::read_tables(reader, boot_information.acpi_rsdp, console);
    if (!tables.ok())
        return log("ashlar: acpi: no tables: {}\n", tables.error());
    acpi_tables = std::move(tables).value();
    set_soft_off(acpi_tables);
    fill_numa(acpi_tables, boot_apic_id(), boot_information, console);
    boot_information.remapping = acpi_tables.remapping;
    for (const acpi::PciSegment& segment : acpi_tables.pci_segments)
        if (boot_information.pci_segment_count != boot_information.pci_segments.size())
            boot_information.pci_segments[boot_information.pci_segment_count++] = {
                segment.base, segment.segment, segment.first_bus, segment.last_bus};
}

} // namespace

void* physical_to_virtual(PhysicalAddress address) {
    return reinterpret_cast<void*>((kDirectMapBase + address.value()).value());
}
PhysicalAddress virtual_to_physical(const void* direct_map_pointer) {
    return PhysicalAddress(VirtualAddress(reinterpret_cast<std::uintptr_t>(direct_map_pointer)) -
                           kDirectMapBase);
}

extern "C" [[noreturn]] void start(unsigned protocol, std::uint32_t information) {
    initialize_console();
    load_descriptor_tables();
    boot_information.image_begin = image_to_physical(kernel::image_begin);
    boot_information.image_end = image_to_physical(kernel::image_end).align_up(kPageSize);
    if (const Status read = read_protocol(protocol, PhysicalAddress(information)); !read.ok())
        fail("cannot read what the boot loader handed over", read.error());
    if (const std::uint64_t lost = boot_information.limit_ranges(physical_limit()); lost != 0)
        log("ashlar: memory: {} MiB of usable memory lie where this CPU or we cannot reach\n", lost >> 20);
    read_acpi();
    if (const Status mapped = enter_final_address_space(boot_information); !mapped.ok())
        fail("cannot build page tables", mapped.error());
    enable_cpu_features();
    kernel::ConsoleSink console;
    if (const Status ready = initialize_interrupts(acpi_tables, console); !ready.ok())
        fail("cannot set up interrupts", ready.error());
    initialize_clock();
    check_write_xor_execute(console);
    kernel::run_selftest(boot_information.command_line);
    kernel::kernel_main(boot_information);
}

} // namespace ashlar::arch
