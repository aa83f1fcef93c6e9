// Translation tables with a granule of 4 KiB (Arm Architecture Reference Manual, section D8.3): those of
// EL2's own translation. The manual counts levels from the root, which is 0; here the pages' level is 1.
#pragma once

#include <cstdint>

#include "lib/address.h"

namespace ashlar::arch {

// What both stages have in common.
namespace descriptor {
constexpr std::uint64_t kValid = 1 << 0, kTableOrPage = 1 << 1, kInnerShareable = 3 << 8,
                        kAccessFlag = 1 << 10;
constexpr std::uint64_t kAddress = 0x0000'ffff'ffff'f000;

constexpr bool is_leaf(std::uint64_t entry, unsigned level) {
    return level == 1 || (entry & kTableOrPage) == 0;
}
constexpr std::uint64_t leaf(std::uint64_t address, unsigned level) {
    return address | kValid | kInnerShareable | (level == 1 ? kTableOrPage : 0);
}
constexpr std::uint64_t address(std::uint64_t entry, unsigned level) {
    return entry & kAddress & ~((std::uint64_t{1} << (kPageShift + 9 * (level - 1))) - 1);
}
} // namespace descriptor

struct PageRights {
    bool write = false;
    bool execute = false;
    bool uncached = false; // Device-nGnRE
    constexpr bool operator==(const PageRights&) const = default;
};

// Stage 1 of EL2 without the virtualization host extensions: four levels, one range of 48 bits, attributes as
// boot/entry.S puts them into MAIR_EL2. Nothing is noted about uses.
struct El2Format {
    using Input = VirtualAddress;
    using Output = PhysicalAddress;
    using Rights = PageRights;
    static constexpr unsigned kLevels = 4;
    static constexpr unsigned kInputBits = 48;
    static constexpr std::uint64_t kAccessed = 0, kDirty = 0;

    static constexpr std::uint64_t kDevice = 1 << 2, kReserved1 = 1 << 6, kReadOnly = 1 << 7;
    static constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 54;

    static constexpr std::uint64_t leaf(Output address, unsigned level, const Rights& rights) {
        return descriptor::leaf(address.value(), level) | descriptor::kAccessFlag | kReserved1 |
               (rights.uncached ? kDevice : 0) | (rights.write ? 0 : kReadOnly) |
               (rights.execute ? 0 : kNoExecute);
    }
    static constexpr std::uint64_t table(Output address) {
        return address.value() | descriptor::kValid | descriptor::kTableOrPage;
    }
    static constexpr bool is_present(std::uint64_t entry) { return (entry & descriptor::kValid) != 0; }
    static constexpr bool is_leaf(std::uint64_t entry, unsigned level) {
        return descriptor::is_leaf(entry, level);
    }
    static constexpr Output table_address(std::uint64_t entry) {
        return Output(entry & descriptor::kAddress);
    }
    static constexpr Output address(std::uint64_t entry, unsigned level) {
        return Output(descriptor::address(entry, level));
    }
    static constexpr Rights rights(std::uint64_t entry) {
        return {.write = (entry & kReadOnly) == 0,
                .execute = (entry & kNoExecute) == 0,
                .uncached = (entry & kDevice) != 0};
    }
    static constexpr bool is_canonical(Input address) { return address.value() >> kInputBits == 0; }
};

} // namespace ashlar::arch
