// Second-level page tables of VT-d (specification 4.1, section 9.8), as lib/page_table.h wants them.
#pragma once

#include <cstdint>

#include "lib/address.h"

namespace ashlar::iommu {

struct DmaRights {
    bool write = false;
    bool snoop = false; // accesses look into the CPUs' caches whatever the device asks for
    constexpr bool operator==(const DmaRights&) const = default;
};

// Of 3 or 4 levels. What devices use is not noted.
template <unsigned Levels>
struct VtdFormat {
    using Input = GuestPhysicalAddress;
    using Output = PhysicalAddress;
    using Rights = DmaRights;
    static constexpr unsigned kLevels = Levels;
    static constexpr unsigned kInputBits = 12 + 9 * Levels;
    static constexpr std::uint64_t kAccessed = 0, kDirty = 0;

    static constexpr std::uint64_t kRead = 1 << 0, kWrite = 1 << 1, kLarge = 1 << 7, kSnoop = 1 << 11;
    static constexpr std::uint64_t kAddress = 0x000f'ffff'ffff'f000;

    static constexpr std::uint64_t leaf(Output address, unsigned level, const Rights& rights) {
        return address.value() | kRead | (rights.write ? kWrite : 0) | (rights.snoop ? kSnoop : 0) |
               (level > 1 ? kLarge : 0);
    }
    static constexpr std::uint64_t table(Output address) { return address.value() | kRead | kWrite; }
    static constexpr bool is_present(std::uint64_t entry) { return (entry & (kRead | kWrite)) != 0; }
    static constexpr bool is_leaf(std::uint64_t entry, unsigned) { return (entry & kLarge) != 0; }
    static constexpr Output table_address(std::uint64_t entry) { return Output(entry & kAddress); }
    static constexpr Output address(std::uint64_t entry, unsigned level) {
        const std::uint64_t size = std::uint64_t{1} << (kPageShift + 9 * (level - 1));
        return Output(entry & kAddress & ~(size - 1));
    }
    static constexpr Rights rights(std::uint64_t entry) {
        return {.write = (entry & kWrite) != 0, .snoop = (entry & kSnoop) != 0};
    }
    static constexpr bool is_canonical(Input address) { return address.value() >> kInputBits == 0; }
};

} // namespace ashlar::iommu
