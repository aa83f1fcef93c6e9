// A general-purpose heap over one range of memory, for programs that have no library beneath them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/page_pool.h"

namespace ashlar {

// Small blocks come from slabs of one size class each, which give their pages back when they are empty; large
// ones are runs of pages. Bookkeeping lies outside the blocks, so an overrun damages neighbours but not the
// heap's structure. Not synchronized.
class Heap {
public:
    struct Statistics {
        std::uint64_t total_bytes; // of memory managed
        std::uint64_t used_bytes;  // in pages that hold blocks
        std::uint64_t peak_bytes;  // highest used_bytes so far
        std::uint64_t live_blocks; // allocated and not freed
        std::uint64_t allocations; // successful, ever
        std::uint64_t failures;    // allocations refused for lack of memory
    };

    Heap() = default;
    // See PagePool::initialize.
    void initialize(MutableBytes memory) { pool_.initialize(memory); }

    // At least `size` bytes at a multiple of `alignment` (a power of two), contents undefined; nullptr when
    // there is no room. A size of 0 gives a block of its own.
    void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t));
    // Of allocate()'s result or nullptr; anything else asserts as far as it is recognized (not a block's
    // address, freed before).
    void free(void* block);
    Statistics statistics() const;

private:
    using Index = PagePool::Index;
    using Page = PagePool::Page;
    static constexpr std::size_t kGranule = 16;
    static constexpr std::size_t kLargestClass = 2048;
    static constexpr std::size_t kClasses = 24; // 16, 32 .. 128, then four per doubling up to 2048

    static constexpr std::size_t class_size(std::size_t size_class);
    static constexpr std::size_t slab_pages(std::size_t size_class);
    static std::size_t class_for(std::size_t size, std::size_t alignment);

    // The lists of slabs with a free block.
    struct SlabList {
        Index first = PagePool::kNone;
    };
    void link(SlabList& list, Index slab);
    void unlink(SlabList& list, Index slab);
    Index new_slab(std::size_t size_class);
    void* allocate_small(std::size_t size_class);
    void* allocate_large(std::size_t size, std::size_t alignment);
    void free_small(Index slab, void* block);
    Index slab_of(Index page);

    PagePool pool_;
    SlabList partial_[kClasses];
    std::uint64_t peak_pages_ = 0, live_ = 0, allocations_ = 0, failures_ = 0;
};

} // namespace ashlar
