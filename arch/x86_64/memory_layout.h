// The hypervisor's virtual address space on x86_64, for assembly and C++. The image is linked in the top 2
// GiB
// (-mcmodel=kernel) and loaded at kImagePhysicalBase; all of physical memory that is of use appears once more
// in the direct map.
#pragma once

#define IMAGE_VIRTUAL_OFFSET 0xffffffff80000000
#define IMAGE_PHYSICAL_BASE 0x200000
#define DIRECT_MAP_BASE 0xffff800000000000
// What the tables of the boot code map: identity, direct map and image view.
#define BOOT_MAPPED_GIB 4

#ifndef __ASSEMBLER__
#include <cstdint>

#include "lib/address.h"

namespace ashlar::arch {

constexpr std::uint64_t kImageVirtualOffset = IMAGE_VIRTUAL_OFFSET;
constexpr VirtualAddress kDirectMapBase(DIRECT_MAP_BASE);
// Physical addresses below it have a place in the direct map.
constexpr std::uint64_t kDirectMapBytes = std::uint64_t{1} << 46;
constexpr std::uint64_t kBootMappedBytes = std::uint64_t{BOOT_MAPPED_GIB} << 30;

// Of the image's own symbols.
inline PhysicalAddress image_to_physical(const void* symbol) {
    return PhysicalAddress(reinterpret_cast<std::uintptr_t>(symbol) - kImageVirtualOffset);
}

} // namespace ashlar::arch
#endif
