// Entries of Sv39 page tables, and the walk through them as it mostly is.
// Specification: Privileged Architecture 1.12, sections 4.3.1 and 4.4.
#pragma once

#include <atomic>

#include "jit/frontend/riscv64/csr.h"
#include "jit/guest_memory.h"
#include "jit/mmu/page.h"

namespace ashlar::jit::riscv64 {

namespace pte {
constexpr std::uint64_t kValid = 1, kRead = 2, kWrite = 4, kExecute = 8, kUser = 16, kGlobal = 32,
                        kAccessed = 64, kDirty = 128;
// N (Svnapot), PBMT (Svpbmt) and the bits for future use: none is implemented, so all must be zero.
constexpr std::uint64_t kReserved = ~std::uint64_t{0} << 54;
constexpr std::uint64_t kReservedInPointers = kDirty | kAccessed | kUser;
constexpr std::uint64_t physical_page(std::uint64_t entry) {
    return entry >> 10 & satp::kPpn;
}
// To the table of the next level.
constexpr bool is_pointer(std::uint64_t entry) {
    constexpr std::uint64_t kDecisive = kValid | kRead | kWrite | kExecute | kReservedInPointers | kReserved;
    return (entry & kDecisive) == kValid;
}
// Or what only looks like one, and faults.
constexpr bool is_leaf(std::uint64_t entry) {
    const bool writable_only = (entry & (kRead | kWrite)) == kWrite;
    return (entry & (kRead | kWrite | kExecute)) != 0 && (entry & (kValid | kReserved)) == kValid &&
           !writable_only;
}
} // namespace pte

constexpr bool is_canonical(std::uint64_t address) {
    constexpr unsigned kVirtualBits = 39;
    constexpr unsigned kUnused = 64 - kVirtualBits;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << kUnused) >> kUnused) == address;
}

// What a leaf denies: its bits for rights are where those for their absence are. With `reads_executable`
// (MXR) what may be executed may be read.
constexpr mmu::Denials denials_of_leaf(std::uint64_t entry, bool reads_executable) {
    using namespace mmu::denies;
    static_assert(kLoads == pte::kRead && kStores == pte::kWrite && kFetches == pte::kExecute &&
                  kUser == pte::kUser && kSupervisor == pte::kUser << 1);
    if (reads_executable && (entry & pte::kExecute) != 0)
        entry |= pte::kRead;
    constexpr unsigned kDirtyToWrite = 5;
    static_assert(pte::kDirty >> kDirtyToWrite == pte::kWrite);
    const std::uint64_t denied = (~entry & (pte::kRead | pte::kWrite | pte::kExecute | pte::kUser)) |
                                 (~entry >> kDirtyToWrite & pte::kWrite) | (entry & pte::kUser) << 1;
    return static_cast<mmu::Denials>(denied);
}

// An entry is read once, whoever changes it meanwhile. It is aligned, and in RAM.
inline std::atomic_ref<std::uint64_t> table_entry(GuestMemory& memory, GuestPhysicalAddress address) {
    return std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(memory.host(address)));
}

struct PlainLeaf {
    std::uint64_t entry = 0; // 0: none, or something about the walk is not plain
    std::uint32_t level = 0;
    bool global = false;
};

// The leaf that translates `address` from the table in page `root` on, if it denies nothing of `needs`, all
// tables are in RAM, and no bit has to be set in them. PMP is not looked at, nor MXR.
inline PlainLeaf walk_plainly(GuestMemory& memory, std::uint64_t root, std::uint64_t address,
                              mmu::Denials needs) {
    if (!is_canonical(address))
        return {};
    std::uint64_t table = root << kPageShift, global = 0;
#pragma GCC unroll 3
    for (std::uint32_t level = mmu::kLevels; level-- > 0;) {
        constexpr std::uint64_t kIndices = (std::uint64_t{1} << mmu::kBitsPerLevel) - 1;
        const std::uint64_t index = address >> mmu::page_shift(level) & kIndices;
        // Tables are pages, and so is RAM.
        const std::uint64_t offset = table - memory.base().value();
        if (offset >= memory.size())
            return {};
        const GuestPhysicalAddress location(table + index * sizeof(std::uint64_t));
        const std::uint64_t bytes = table_entry(memory, location).load(std::memory_order_acquire);
        const auto entry = load_le<std::uint64_t>(&bytes);
        global |= entry;
        table = pte::physical_page(entry) << kPageShift;
        if (pte::is_pointer(entry))
            continue;
        if (!pte::is_leaf(entry) || (entry & pte::kAccessed) == 0 ||
            (denials_of_leaf(entry, false) & needs) != 0 || (table & (mmu::page_size(level) - 1)) != 0)
            return {};
        return {entry, level, (global & pte::kGlobal) != 0};
    }
    return {};
}

} // namespace ashlar::jit::riscv64
