// What the boot protocol told us, in one ISA-neutral form.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "drivers/acpi/remapping.h"
#include "kernel/numa_topology.h"
#include "lib/address.h"

namespace ashlar::kernel {

struct MemoryRange {
    enum class Kind : std::uint32_t { Usable, Reserved, AcpiReclaimable, AcpiNvs, Unusable };
    PhysicalAddress base;
    std::uint64_t size; // bytes
    Kind kind;
};

// Configuration space of PCI buses, in memory.
struct PciSegment {
    PhysicalAddress base; // of bus `first_bus`
    std::uint16_t segment;
    std::uint8_t first_bus, last_bus;
};

struct BootInformation {
    static constexpr std::size_t kMaxRanges = 256, kMaxPciSegments = 8;

    std::string_view protocol;                  // "PVH", "multiboot2", ... for the boot log
    std::string_view command_line;              // copied out of the loader's memory
    std::array<MemoryRange, kMaxRanges> ranges; // as the firmware said: unsorted, possibly overlapping
    std::size_t range_count = 0;
    std::size_t ranges_dropped = 0; // beyond kMaxRanges; usable memory is dropped before any other
    PhysicalAddress bundle;         // the initrd/module, 0 and 0 when there is none
    std::uint64_t bundle_size = 0;
    PhysicalAddress acpi_rsdp;              // 0 when the protocol does not say
    PhysicalAddress image_begin, image_end; // our own image with its bss, page-aligned
    PhysicalAddress early_begin, early_end; // taken from usable memory before there was an allocator
    NumaTopology numa;
    std::uint32_t cpu_count = 1;                            // enabled, as the firmware says
    std::array<PciSegment, kMaxPciSegments> pci_segments{}; // as the firmware said
    std::size_t pci_segment_count = 0;
    acpi::Remapping remapping; // IOMMUs, as the firmware said

    // Ranges that are empty or wrap are ignored.
    void add_range(PhysicalAddress base, std::uint64_t size, MemoryRange::Kind kind);
    // Cuts off what lies at `end` or above, where we cannot reach. Returns how many bytes of usable memory
    // that is.
    std::uint64_t limit_ranges(PhysicalAddress end);
};

// Entered by arch once the CPU runs on our own tables with exceptions and console working. Interrupts are
// off.
[[noreturn]] void kernel_main(const BootInformation& boot);

} // namespace ashlar::kernel
