// Runs of contiguous pages out of one range of memory: the lower half of a heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/address.h"
#include "lib/bytes.h"

namespace ashlar {

// Free runs are kept in lists by the power of two in their length and merged with their neighbours at once.
// The records of the pages live at the start of the range, so free pages are never touched. Not synchronized.
class PagePool {
public:
    using Index = std::uint32_t;
    static constexpr Index kNone = ~Index{0};

    // One per page. Fields beyond `run` and `state` belong to whoever allocated the run.
    struct Page {
        enum class State : std::uint8_t { Free, Head, Interior };
        Index run;            // free run: its length, in its first and last page. Head: its length.
        Index next, previous; // links of the list that the run is in
        std::uint16_t used;   // of the owner
        std::uint8_t tag;     // of the owner; 0 after allocate()
        State state;          // Head: first page of an allocated run
        void* blocks;         // of the owner
    };

    PagePool() = default;
    PagePool(const PagePool&) = delete;
    PagePool& operator=(const PagePool&) = delete;

    // Takes over `memory`, page-aligned at both ends, with undefined contents. Called once. A range too small
    // to hold anything gives an empty pool.
    void initialize(MutableBytes memory);

    // `count` pages whose address is a multiple of `alignment` pages (a power of two).
    std::optional<Index> allocate(std::size_t count, std::size_t alignment = 1);
    // The run that starts at `head`.
    void free(Index head);

    Page& page(Index index) { return pages_[index]; }
    std::byte* address(Index index) const { return base_ + std::size_t{index} * kPageSize; }
    // The page that holds `address`, kNone when it is not one of the pool's.
    Index index_of(const void* address) const;

    std::size_t page_count() const { return count_; }
    std::size_t free_pages() const { return free_pages_; }

private:
    static constexpr unsigned kLists = 32;
    static unsigned list_of(std::size_t run);

    void insert(Index first, std::size_t run);
    void remove(Index first);
    // The first page at or after the start of the free run at `first` where the allocation fits.
    std::optional<Index> fit(Index first, std::size_t count, std::size_t alignment) const;
    Index take(Index first, Index start, std::size_t count);

    std::byte* base_ = nullptr; // of page 0
    Page* pages_ = nullptr;
    std::size_t count_ = 0;
    std::size_t free_pages_ = 0;
    Index lists_[kLists] = {};
};

} // namespace ashlar
