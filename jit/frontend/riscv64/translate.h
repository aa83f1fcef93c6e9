// Address translation of a hart: Sv39 and PMP. Pure rules; caching is jit/mmu's.
// Specification: Privileged Architecture 1.12, sections 3.7 (PMP) and 4.3-4.4 (Sv32/Sv39).
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/state.h"
#include "jit/mmu/page.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::jit {
class GuestMemory;
}

namespace ashlar::jit::riscv64 {

enum class AccessType : std::uint8_t { Fetch, Load, Store }; // AMOs and SC are Store

// A successful translation. What is denied means "walk again to know": while D is clear stores are, so that
// the first store sets it.
struct Translation {
    GuestPhysicalAddress address; // of the byte asked for
    unsigned level;               // of the leaf, see mmu::page_size
    mmu::Denials denies; // of the 4 KiB page, to users and supervisors alike; MXR and PMP are applied
    bool global;         // the same in every address space
    bool uniform;        // false: PMP splits the 4 KiB page, so the result holds for this access only
    bool whole;          // everything said here holds for all of the leaf
    bool identity;       // there are no page tables, so no fence is about it

    std::uint64_t page_size() const { return mmu::page_size(level); }
};

struct TranslationResult {
    bool ok;
    Cause cause; // when !ok: page fault or access fault for the access type
    Translation translation;
};

// The privilege that loads and stores use now (MPRV), or that fetches use.
Privilege effective_privilege(const HartState& hart, AccessType type);

// What a page must not deny for accesses of this type at the present state.
mmu::Denials needs(const HartState& hart, AccessType type);

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
