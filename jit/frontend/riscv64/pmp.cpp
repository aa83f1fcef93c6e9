#include "jit/frontend/riscv64/pmp.h"

#include <bit>

#include "jit/frontend/riscv64/translate.h"

namespace ashlar::jit::riscv64 {

namespace {

// [begin, end) in bytes; empty when the entry matches nothing.
struct Range {
    std::uint64_t begin, end;
};

Range range_of(const Pmp& pmp, std::size_t entry) {
    const std::uint64_t address = pmp.address[entry];
    switch (pmp.configuration[entry] & pmpcfg::kAddressMode) {
    case pmpcfg::kTor: return {entry == 0 ? 0 : pmp.address[entry - 1] << 2, address << 2};
    case pmpcfg::kNa4: return {address << 2, (address << 2) + 4};
    case pmpcfg::kNapot: {
        // n trailing ones mean 2^(n+3) bytes; with all 54 bits set that is more than the address space.
        const int ones = std::countr_one(address);
        const std::uint64_t size = std::uint64_t{8} << ones;
        const std::uint64_t begin = (address << 2) & ~(size - 1);
        return {begin, begin + size};
    }
    default: return {0, 0};
    }
}

bool is_locked(const Pmp& pmp, std::size_t entry) {
    return (pmp.configuration[entry] & pmpcfg::kLock) != 0;
}

PmpRights rights_of_match(std::uint8_t configuration, Privilege privilege) {
    if (privilege == Privilege::Machine && (configuration & pmpcfg::kLock) == 0)
        return {true, true, true, true};
    return {(configuration & pmpcfg::kRead) != 0, (configuration & pmpcfg::kWrite) != 0,
            (configuration & pmpcfg::kExecute) != 0, true};
}

} // namespace

PmpRights pmp_rights(const Pmp& pmp, GuestPhysicalAddress address, std::uint64_t length,
                     Privilege privilege) {
    const std::uint64_t begin = address.value();
    if (begin >= kPhysicalAddressEnd || length > kPhysicalAddressEnd - begin)
        return {false, false, false, true};
    const std::uint64_t end = begin + length;
    // The lowest-numbered entry that matches any byte decides, and must match them all (3.7.1).
    for (std::size_t entry = 0; entry < Pmp::kEntries; ++entry) {
        const Range range = range_of(pmp, entry);
        if (range.begin >= range.end || end <= range.begin || range.end <= begin)
            continue;
        if (begin < range.begin || range.end < end)
            return {false, false, false, false};
        return rights_of_match(pmp.configuration[entry], privilege);
    }
    const bool machine = privilege == Privilege::Machine;
    return {machine, machine, machine, true};
}

bool pmp_allows(const HartState& hart, GuestPhysicalAddress address, std::uint64_t length, AccessType type,
                Privilege privilege) {
    const PmpRights rights = pmp_rights(hart.control.pmp, address, length, privilege);
    switch (type) {
    case AccessType::Fetch: return rights.execute;
    case AccessType::Load: return rights.read;
    case AccessType::Store: return rights.write;
    }
    return false;
}

std::uint64_t read_pmpcfg(const Pmp& pmp, std::size_t index) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value |= std::uint64_t{pmp.configuration[4 * index + i]} << (8 * i);
    return value;
}

void write_pmpcfg(Pmp& pmp, std::size_t index, std::uint64_t value) {
    constexpr std::uint8_t kDefined =
        pmpcfg::kRead | pmpcfg::kWrite | pmpcfg::kExecute | pmpcfg::kAddressMode | pmpcfg::kLock;
    for (std::size_t i = 0; i < 8; ++i) {
        const std::size_t entry = 4 * index + i;
        auto configuration = static_cast<std::uint8_t>(value >> (8 * i) & kDefined);
        if ((configuration & (pmpcfg::kRead | pmpcfg::kWrite)) == pmpcfg::kWrite)
            configuration = static_cast<std::uint8_t>(configuration & ~pmpcfg::kWrite);
        if (!is_locked(pmp, entry))
            pmp.configuration[entry] = configuration;
    }
}

void write_pmpaddr(Pmp& pmp, std::size_t entry, std::uint64_t value) {
    const bool is_base_of_locked_tor = entry + 1 < Pmp::kEntries && is_locked(pmp, entry + 1) &&
                                       (pmp.configuration[entry + 1] & pmpcfg::kAddressMode) == pmpcfg::kTor;
    if (!is_locked(pmp, entry) && !is_base_of_locked_tor)
        pmp.address[entry] = value & pmpcfg::kAddress;
}

} // namespace ashlar::jit::riscv64
