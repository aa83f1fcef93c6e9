// Physical memory protection: matching and the CSRs' locking rules.
// Specification: Privileged Architecture 1.12, section 3.7.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/state.h"
#include "lib/address.h"

namespace ashlar::jit::riscv64 {

// What PMP grants to all of a range of physical addresses at one privilege.
struct PmpRights {
    bool read, write, execute;
    // False when an entry covers a part of the range only: an access to the whole range fails, a smaller one
    // may not.
    bool uniform;
};

constexpr std::uint64_t kPhysicalAddressEnd = std::uint64_t{1} << 56;

// Whether the first entry alone grants everything at every address below kPhysicalAddressEnd, as the built-in
// SBI sets it up. False does not mean the opposite.
inline bool pmp_grants_everything(const Pmp& pmp) {
    constexpr std::uint8_t kMask = pmpcfg::kAddressMode | pmpcfg::kRead | pmpcfg::kWrite | pmpcfg::kExecute,
                           kOpen = pmpcfg::kNapot | pmpcfg::kRead | pmpcfg::kWrite | pmpcfg::kExecute;
    return (pmp.configuration[0] & kMask) == kOpen && pmp.address[0] == pmpcfg::kAddress;
}

// `length` is positive. An address beyond 56 bits has no rights.
PmpRights pmp_rights(const Pmp& pmp, GuestPhysicalAddress address, std::uint64_t length, Privilege privilege);

// pmpcfg register `index` (0 or 2 on RV64) holds entries 4*index to 4*index+7.
std::uint64_t read_pmpcfg(const Pmp& pmp, std::size_t index);
// Writes entries that are not locked; the reserved combination W without R becomes no access.
void write_pmpcfg(Pmp& pmp, std::size_t index, std::uint64_t value);
// Ignored when the entry, or a TOR entry above that uses it as its base, is locked.
void write_pmpaddr(Pmp& pmp, std::size_t entry, std::uint64_t value);

} // namespace ashlar::jit::riscv64
