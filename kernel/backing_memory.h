// A run of bytes made of as few, as large blocks as the frame allocator has: a VM's RAM, its image copies and
// its RAM disks.
#pragma once

#include "kernel/address_space.h"
#include "kernel/memory_source.h"

namespace ashlar::kernel {

// Not synchronized.
class BackingMemory {
public:
    BackingMemory() = default;
    BackingMemory(const BackingMemory&) = delete;
    BackingMemory& operator=(const BackingMemory&) = delete;
    ~BackingMemory() { release(); }

    // `bytes`, rounded up to pages, with whatever contents they had: to be cleared before anybody sees them.
    // The errors of FrameAllocator::allocate; nothing is kept then. The source outlives this object.
    Status reserve(MemorySource& source, std::uint64_t bytes);
    // All of it becomes zero.
    void clear();
    // Both.
    Status allocate(MemorySource& source, std::uint64_t bytes);
    // Gives everything back; nothing may be mapped any more.
    void release();

    std::uint64_t size() const { return size_; } // as asked for, bytes

    // The contiguous bytes from `offset` (< size rounded up to pages) to the end of its block or of the run.
    MutableBytes chunk(std::uint64_t offset) const;
    // Copies; OutOfRange when the range is not wholly within size().
    Status write(std::uint64_t offset, Bytes from);
    Status read(std::uint64_t offset, MutableBytes to) const;

    // Calls visit(offset, physical address, bytes) for each block, in ascending order, until one fails.
    template <class Visit>
    Status for_each_block(Visit visit) const {
        for (const RecordPage* page = first_; page != nullptr; page = page->next)
            for (std::size_t i = 0; i < page->count; ++i)
                ASHLAR_TRY(visit(page->blocks[i].offset, page->blocks[i].address,
                                 kPageSize << page->blocks[i].order));
        return {};
    }

    // Maps all of it from `to` on. On failure nothing of it stays mapped.
    Status map(AddressSpace& space, GuestPhysicalAddress to, Rights rights) const;

private:
    struct Block {
        std::uint64_t offset; // of its first byte in the run
        PhysicalAddress address;
        unsigned order;
        std::uint64_t end() const { return offset + (kPageSize << order); }
    };
    // Blocks are recorded in pages of their own, in the order of offsets.
    struct RecordPage {
        static constexpr std::size_t kCapacity = 168;
        RecordPage* next;
        std::size_t count;
        Block blocks[kCapacity];
    };
    static_assert(sizeof(RecordPage) <= kPageSize);

    Status add_block(std::uint64_t offset, std::uint64_t wanted);
    const Block& find(std::uint64_t offset) const;

    MemorySource* source_ = nullptr;
    std::uint64_t size_ = 0;
    RecordPage* first_ = nullptr;
    RecordPage* last_ = nullptr;
};

} // namespace ashlar::kernel
