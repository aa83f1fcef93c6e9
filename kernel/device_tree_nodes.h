// Devices of a flattened device tree, and what the boot loader says in it. Specification: Devicetree
// Specification 0.4, sections 2.3 and 3.6; Linux's booting.rst for linux,initrd-start.
#pragma once

#include <optional>
#include <span>

#include "kernel/boot_information.h"
#include "lib/fdt_reader.h"

namespace ashlar::kernel {

struct DeviceNode {
    static constexpr std::size_t kMaxRanges = 4;
    struct Range {
        PhysicalAddress base;
        std::uint64_t size; // bytes
    };
    fdt::Node node;
    std::array<Range, kMaxRanges>
        ranges{}; // `reg`, as the CPU sees it: through the `ranges` of what is above
    std::size_t range_count = 0;
};

// The first device in document order that is in use, compatible with `with` and has registers, each of which
// lies where the CPU can address it.
std::optional<DeviceNode> find_device(const fdt::Tree& tree, std::string_view with);

// Entry `index` of a device's `interrupts` of three cells each (Arm's GIC: kind, number, flags), as
// the number by which the controller knows it: 16 and up for private ones (kind 1), 32 and up for shared ones
// (kind 0). nullopt when there is none.
std::optional<unsigned> gic_interrupt(const fdt::Node& node, std::size_t index);

// /chosen: the command line, which is copied to `storage` as far as there is room, and the initial RAM disk,
// which is the boot bundle.
void read_chosen(const fdt::Tree& tree, std::span<char> storage, BootInformation& boot);

} // namespace ashlar::kernel
