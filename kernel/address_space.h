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
    bool accessed, dirty; // the leaf, by the VM, since it was last taken
};

// Is shown leaves.
class LeafVisitor {
public:
    virtual void visit(GuestPhysicalAddress from, std::uint64_t size) = 0;

protected:
    ~LeafVisitor() = default;
};

// All addresses and sizes are multiples of kPageSize: else Misaligned; OutOfRange beyond the guest-physical
// width. Not synchronized: the VM's lock is held. When a call returns, no CPU uses translations that it has
// removed or changed (but see InvalidationBatch), wherever the VM's virtual CPUs run.
//
// Leaves are as large as the CPU has them and as alignment and rights allow, split and merged as these
// change.
class AddressSpace {
public:
    // How many bytes of guest-physical addresses there are; they begin at 0.
    virtual std::uint64_t size() const = 0;

    // Overlap when part of the range is mapped, OutOfMemory without frames for tables (nothing stays mapped
    // then), Unsupported for rights that the hardware cannot express.
    virtual Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, Rights rights,
                       MemoryType type) = 0;
    // Removes what is mapped in the range. OutOfMemory when a leaf would have to be split; nothing has
    // changed then.
    virtual Status unmap(GuestPhysicalAddress from, std::uint64_t size) = 0;
    // Changes the rights of what is mapped in the range; its memory type stays. Errors as of unmap() and
    // map().
    virtual Status protect(GuestPhysicalAddress from, std::uint64_t size, Rights rights) = 0;

    // Splits leaves in the range down to `leaf_size`, so that accesses to smaller pieces can be told apart,
    // until map() or protect() touches the same large page, or merge(). InvalidArgument when there are no
    // such leaves, OutOfMemory when some could not be split.
    virtual Status split(GuestPhysicalAddress from, std::uint64_t size, std::uint64_t leaf_size) = 0;
    // Merges what can be.
    virtual Status merge(GuestPhysicalAddress from, std::uint64_t size) = 0;

    // Shows every leaf in the range, or reaching into it, that the VM has used (written) since the last time.
    // What is read of its contents after the call is as new as what will be shown the next time. The visitor
    // does not call back.
    virtual Status take_accessed(GuestPhysicalAddress from, std::uint64_t size, LeafVisitor& visitor) = 0;
    virtual Status take_dirty(GuestPhysicalAddress from, std::uint64_t size, LeafVisitor& visitor) = 0;

    // In ascending order.
    virtual void for_each_leaf(LeafVisitor& visitor) const = 0;
    // NotFound when nothing is mapped there.
    virtual Result<Mapping> translate(GuestPhysicalAddress address) const = 0;

    // Of InvalidationBatch.
    virtual void begin_batch() = 0;
    virtual void end_batch() = 0;

protected:
    ~AddressSpace() = default;
};

// While one lives, CPUs may still use what was unmapped or changed; they are told once when the last one
// ends. Memory that was unmapped is freed after that.
class [[nodiscard]] InvalidationBatch {
public:
    explicit InvalidationBatch(AddressSpace& space) : space_(space) { space_.begin_batch(); }
    InvalidationBatch(const InvalidationBatch&) = delete;
    InvalidationBatch& operator=(const InvalidationBatch&) = delete;
    ~InvalidationBatch() { space_.end_batch(); }

private:
    AddressSpace& space_;
};

} // namespace ashlar::kernel
