// The hypervisor's virtual address space on aarch64, for assembly and C++. EL2 without the virtualization
// host extensions has one range of 48 bits. The image is linked at a fixed place in it and loaded anywhere;
// all of physical memory that is of use appears once more in the direct map.
#pragma once

#define IMAGE_VIRTUAL_BASE 0x7f8000000000
#define DIRECT_MAP_BASE 0x800000000000
// The image and its bss lie in one block of that size, which the boot tables map.
#define IMAGE_BLOCK_SHIFT 21

#define STACK_GUARD_SIZE 4096
#define MAIN_STACK_SIZE 131072
#define EXCEPTION_STACK_SIZE 16384

#ifndef __ASSEMBLER__
#include <cstdint>

#include "lib/address.h"

namespace ashlar::arch {

constexpr VirtualAddress kImageVirtualBase(IMAGE_VIRTUAL_BASE);
constexpr VirtualAddress kDirectMapBase(DIRECT_MAP_BASE);
// Physical addresses below it have a place in the direct map.
constexpr std::uint64_t kDirectMapBytes = std::uint64_t{1} << 46;
// What the last entry of the boot tables' gibibyte for the image maps: the console, before there are others.
constexpr std::uint64_t kBootBlock = std::uint64_t{1} << IMAGE_BLOCK_SHIFT;
constexpr VirtualAddress kBootDevice = kImageVirtualBase + ((std::uint64_t{1} << 30) - kBootBlock);

} // namespace ashlar::arch
#endif
