// Long-mode page tables (AMD64 Architecture Programmer's Manual, volume 2, section 5.3), which nested paging
// uses too.
#pragma once

#include <cstdint>

#include <type_traits>

#include "lib/address.h"

namespace ashlar::arch {

struct PageRights {
    bool write = false;
    bool execute = false;
    bool user = false;
    bool uncached = false;
    constexpr bool operator==(const PageRights&) const = default;
};

// Four levels of a 48-bit input. Table entries allow everything; the leaf decides.
template <class InputAddress, class OutputAddress>
struct LongModeFormat {
    using Input = InputAddress;
    using Output = OutputAddress;
    using Rights = PageRights;
    static constexpr unsigned kLevels = 4;
    static constexpr unsigned kInputBits = 48;

    static constexpr std::uint64_t kPresent = 1 << 0, kWrite = 1 << 1, kUser = 1 << 2, kWriteThrough = 1 << 3,
                                   kCacheDisable = 1 << 4, kAccessed = 1 << 5, kDirty = 1 << 6,
                                   kLarge = 1 << 7;
    static constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
    static constexpr std::uint64_t kAddress = 0x000f'ffff'ffff'f000;

    static constexpr std::uint64_t leaf(Output address, unsigned level, const Rights& rights) {
        return address.value() | kPresent | (rights.write ? kWrite : 0) | (rights.user ? kUser : 0) |
               (rights.uncached ? kCacheDisable | kWriteThrough : 0) | (level > 1 ? kLarge : 0) |
               (rights.execute ? 0 : kNoExecute);
    }
    static constexpr std::uint64_t table(Output address) {
        return address.value() | kPresent | kWrite | kUser;
    }
    static constexpr bool is_present(std::uint64_t entry) { return (entry & kPresent) != 0; }
    static constexpr bool is_leaf(std::uint64_t entry, unsigned) { return (entry & kLarge) != 0; }
    static constexpr Output table_address(std::uint64_t entry) { return Output(entry & kAddress); }
    // Below the address of a large leaf lies its PAT bit.
    static constexpr Output address(std::uint64_t entry, unsigned level) {
        const std::uint64_t size = std::uint64_t{1} << (kPageShift + 9 * (level - 1));
        return Output(entry & kAddress & ~(size - 1));
    }
    static constexpr Rights rights(std::uint64_t entry) {
        return {.write = (entry & kWrite) != 0,
                .execute = (entry & kNoExecute) == 0,
                .user = (entry & kUser) != 0,
                .uncached = (entry & kCacheDisable) != 0};
    }
    // Virtual addresses repeat bit 47 above it; guest-physical ones have nothing there.
    static constexpr bool is_canonical(Input address) {
        const std::uint64_t high = address.value() >> kInputBits;
        if constexpr (std::is_same_v<Input, VirtualAddress>)
            return high == ((address.value() >> 47 & 1) != 0 ? 0xffff : 0);
        return high == 0;
    }
};

} // namespace ashlar::arch
