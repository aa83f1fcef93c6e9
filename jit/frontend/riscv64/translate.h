// Address translation of a hart: Sv39 and PMP. Pure rules; caching is jit/mmu's.
// Specification: Privileged Architecture 1.12, sections 3.7 (PMP) and 4.3-4.4 (Sv32/Sv39).
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/state.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::jit {
class GuestMemory;
}

namespace ashlar::jit::riscv64 {

enum class AccessType : std::uint8_t { Fetch, Load, Store }; // AMOs and SC are Store

// Rights and extent of a successful translation. A right that is absent means "walk again to know": `dirty`
// clear keeps `write` false, so that the first store sets D.
struct Translation {
    GuestPhysicalAddress address; // of the byte asked for
    std::uint64_t page_size;      // of the leaf: 4 KiB, 2 MiB, 1 GiB. Rights are those of the 4 KiB page
    bool read, write, execute; // at the effective privilege that was asked for, with SUM/MXR and PMP applied
    bool global;               // the same in every address space
    bool uniform;              // false: PMP splits the 4 KiB page, so the result holds for this access only
};

struct TranslationResult {
    bool ok;
    Cause cause; // when !ok: page fault or access fault for the access type
    Translation translation;
};

// The privilege that loads and stores use now (MPRV), or that fetches use.
Privilege effective_privilege(const HartState& hart, AccessType type);

// Translates `address` for an access of `length` bytes that stays within one 4 KiB page. Sets A (and D for
// stores) in the page tables with a compare-and-exchange, as QEMU's virt board does. Page tables outside RAM
// fault.
TranslationResult translate(const HartState& hart, GuestMemory& memory, GuestVirtualAddress address,
                            std::uint64_t length, AccessType type);

// Where an access to the byte would go now, without changing the page tables: fails where A or D would have
// to be set.
TranslationResult look_up(const HartState& hart, GuestMemory& memory, GuestVirtualAddress address,
                          AccessType type);

// PMP alone.
bool pmp_allows(const HartState& hart, GuestPhysicalAddress address, std::uint64_t length, AccessType type,
                Privilege privilege);

} // namespace ashlar::jit::riscv64
