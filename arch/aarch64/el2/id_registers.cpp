#include "arch/aarch64/el2/id_registers.h"

#include <algorithm>

namespace ashlar::arch::el2 {
namespace {

// Fields of four bits, by their shifts.
template <class... Shifts>
constexpr std::uint64_t fields(Shifts... shifts) {
    return ((std::uint64_t{0xf} << shifts) | ...);
}

constexpr unsigned number(unsigned crm, unsigned op2) {
    return crm * 8 + op2;
}
constexpr unsigned kPfr0 = number(4, 0), kDfr0 = number(5, 0), kIsar0 = number(6, 0), kIsar1 = number(6, 1),
                   kMmfr0 = number(7, 0), kMmfr1 = number(7, 1);

// Not offered: AArch32, RAS, SVE, SME, activity monitors, secure EL2, MPAM.
constexpr std::uint64_t kPfr0Offered = fields(16 /* FP */, 20 /* AdvSIMD */, 56 /* CSV2 */, 60 /* CSV3 */);
constexpr std::uint64_t kPfr0Fixed = 0x0100'0011; // EL0 and EL1 in AArch64 only, GIC by system registers
constexpr std::uint64_t kDfr0Fixed = 6;           // the least that there is, without breakpoints to speak of
// Not offered: TME, TLB maintenance by ranges.
constexpr std::uint64_t kIsar0Offered =
    fields(4 /* AES */, 8 /* SHA1 */, 12 /* SHA2 */, 16 /* CRC32 */, 20 /* atomics */, 28 /* RDM */,
           32 /* SHA3 */, 36 /* SM3 */, 40 /* SM4 */, 44 /* DP */, 48 /* FHM */, 52 /* TS */, 60 /* RNDR */);
// Not offered: pointer authentication, whose keys are not switched, and LS64.
constexpr std::uint64_t kIsar1Offered =
    fields(0 /* DPB */, 12 /* JSCVT */, 16 /* FCMA */, 20 /* LRCPC */, 32 /* FRINTTS */, 36 /* SB */,
           44 /* BF16 */, 48 /* DGH */, 52 /* I8MM */);
constexpr std::uint64_t kMmfr0Offered =
    fields(4 /* ASIDs */, 20 /* 16 KiB */, 24 /* 64 KiB */, 28 /* 4 KiB */);
constexpr std::uint64_t kMmfr1Offered = fields(20 /* PAN */);

} // namespace

std::uint64_t filter_id_register(unsigned crm, unsigned op2, std::uint64_t machine, unsigned physical_width) {
    constexpr unsigned kGuestWidth = 4; // 44 bits, as stage 2 translates
    switch (number(crm, op2)) {
    case kPfr0: return (machine & kPfr0Offered) | kPfr0Fixed;
    case kDfr0: return kDfr0Fixed;
    case kIsar0: return machine & kIsar0Offered;
    case kIsar1: return machine & kIsar1Offered;
    case kMmfr0: return (machine & kMmfr0Offered) | std::min(physical_width, kGuestWidth);
    case kMmfr1: return machine & kMmfr1Offered;
    default: return 0;
    }
}

} // namespace ashlar::arch::el2
