// The translator's virtual address space on x86_64. The low and the top 256 GiB belong to the translated
// guest (its Sv39 addresses are mapped 1:1 there one day), so everything of ours lies in between.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/vm_abi.h"

namespace ashlar::arch::translator {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// The image, mapped by the hypervisor and again, with proper rights, by us. Private memory at the same
// offset.
constexpr VirtualAddress kImageBase(abi::kImageVirtualBase);
constexpr std::uint64_t kImageMaxSize = kGiB;
// Reserved for the executable view of the code cache: all of it reaches all of the image by rel32.
constexpr VirtualAddress kCodeCacheBase = kImageBase + kImageMaxSize;
constexpr std::uint64_t kCodeCacheMaxSize = kGiB - (std::uint64_t{1} << 20);
static_assert(kCodeCacheBase - kImageBase + kCodeCacheMaxSize < 2 * kGiB);

// Windows onto physical memory: never executable, congruent to it modulo 1 GiB so that large leaves fit.
constexpr VirtualAddress kPrivateWindow(0xffff'a100'0000'0000); // kPrivateBase + x at + x
constexpr VirtualAddress kRamWindow(0xffff'b000'0000'0000);     // kRamBase + x at + x
constexpr VirtualAddress kBlobWindow(0xffff'c000'0000'0000);    // kBlobBase + x at + x
constexpr VirtualAddress kDeviceWindow(0xffff'd000'0000'0000);  // kDeviceBase + x at + x, uncached
static_assert(abi::kPrivateBase % kGiB == 0 && abi::kRamBase % kGiB == 0 && abi::kBlobBase % kGiB == 0);

constexpr std::uint64_t kGuestPart = 256 * kGiB;
static_assert(kImageBase.value() >= kGuestPart && kBlobWindow.value() < 0 - kGuestPart);

} // namespace ashlar::arch::translator
