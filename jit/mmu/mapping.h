// What the MMU asks the guest's rules of translation, and what they answer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jit/mmu/page.h"
#include "jit/mmu/second_level.h"

namespace ashlar::jit::mmu {

enum class Access : std::uint8_t { Fetch, Load, Store };

// Why an access failed, in the guest's terms.
struct Fault {
    std::uint64_t cause = 0;
    std::uint64_t address = 0; // guest-virtual, of the first byte that failed
};

// A translation of the page around an address; what is denied means "ask again".
struct Mapping {
    GuestPhysicalAddress address; // of the byte asked for
    PageKind kind;
    Denials denies = 0;
    bool uniform = true;   // false: holds for this access alone
    bool whole = true;     // it holds for all of the leaf
    bool identity = false; // there is no page table: fences do not matter
};

// A context of one of the address spaces, see Mmu.
struct Selection {
    std::size_t space, context;
    std::size_t owner = SecondLevelTlb::kOwners; // of pages that are not global; this one: nobody
    Denials audience = 0;                        // what a page must not deny beside the access itself
};

// The guest's rules of translation at its present state.
class Translator {
public:
    // `length` bytes from `address` lie within one page. False and `fault` when not allowed.
    virtual bool translate(std::uint64_t address, unsigned length, Access access, Mapping& mapping,
                           Fault& fault) = 0;
    // What a load or store of the byte would find now, changing nothing: false where translate() would leave
    // a trace in page tables.
    virtual bool look_up(std::uint64_t address, Access access, Mapping& mapping) = 0;
    // Fetches from the page at `address` will go by this uniform mapping from now on.
    virtual void fetches_by(std::uint64_t address, const Mapping& mapping) = 0;
    // Causes for what translates but fails: no device or a device's error, misaligned atomics.
    virtual std::uint64_t access_fault(Access access) const = 0;
    virtual std::uint64_t misaligned_fault(Access access) const = 0;

protected:
    ~Translator() = default;
};

} // namespace ashlar::jit::mmu
