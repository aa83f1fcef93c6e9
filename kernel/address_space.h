// Second-level translation of one VM: guest-physical to host-physical. NPT, EPT and stage 2 implement it.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::kernel {

struct Rights {
    bool read = true;
    bool write = false;
    bool execute = false;
    constexpr bool operator==(const Rights&) const = default;
};

enum class MemoryType : std::uint8_t { WriteBack, Uncached };

struct Mapping {
    PhysicalAddress address; // of the byte asked for
    std::uint64_t leaf_size; // 4 KiB, 2 MiB or 1 GiB
    Rights rights;
};

// All addresses and sizes are multiples of kPageSize. Not synchronized: the VM's lock is held. Invalidation
// of cached translations is the implementation's duty and has happened when a call returns (the VM's vCPUs
// run on at most this CPU) or is pending for each vCPU's next entry.
class AddressSpace {
public:
    // Maps a range with the largest leaves that alignment allows. Overlap when part of it is mapped,
    // OutOfRange beyond the guest-physical width, OutOfMemory without frames for tables (nothing stays mapped
    // then).
    virtual Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, Rights rights,
                       MemoryType type) = 0;
    // Removes what is mapped in the range, splitting leaves that reach out of it.
    virtual Status unmap(GuestPhysicalAddress from, std::uint64_t size) = 0;
    // Changes the rights of what is mapped in the range, splitting likewise; its memory type stays.
    virtual Status protect(GuestPhysicalAddress from, std::uint64_t size, Rights rights) = 0;
    // NotFound when nothing is mapped there.
    virtual Result<Mapping> translate(GuestPhysicalAddress address) const = 0;

protected:
    ~AddressSpace() = default;
};

} // namespace ashlar::kernel
