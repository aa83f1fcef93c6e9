#include "lib/heap.h"

#include <algorithm>
#include <array>
#include <bit>

#include "lib/assert.h"

namespace ashlar {
namespace {

// Tags of pages: a slab of class c has c + kSlabTag in its head, a large run kLargeTag.
constexpr std::uint8_t kLargeTag = 1;
constexpr std::uint8_t kSlabTag = 2;

struct FreeBlock {
    FreeBlock* next;
};

} // namespace

constexpr std::size_t Heap::class_size(std::size_t size_class) {
    if (size_class < 8)
        return (size_class + 1) * kGranule;
    const std::size_t doubling = (size_class - 8) / 4, step = (size_class - 8) % 4;
    return (std::size_t{128} << doubling) / 4 * (5 + step);
}

// Chosen so that at most an eighth of a slab is lost.
constexpr std::size_t Heap::slab_pages(std::size_t size_class) {
    return std::max<std::size_t>(1, class_size(size_class) / 512);
}

std::size_t Heap::class_for(std::size_t size, std::size_t alignment) {
    static constexpr auto kClassOfGranules = [] {
        std::array<std::uint8_t, kLargestClass / kGranule + 1> table{};
        std::uint8_t size_class = 0;
        for (std::size_t granules = 0; granules < table.size(); ++granules) {
            if (granules * kGranule > class_size(size_class))
                ++size_class;
            table[granules] = size_class;
        }
        return table;
    }();
    static_assert(class_size(kClasses - 1) == kLargestClass);
    static_assert(kClassOfGranules.back() == kClasses - 1);

    if (size > kLargestClass || alignment > kLargestClass)
        return kClasses;
    std::size_t size_class = kClassOfGranules[(size + kGranule - 1) / kGranule];
    while (size_class < kClasses && class_size(size_class) % alignment != 0)
        ++size_class;
    return size_class;
}

void Heap::link(SlabList& list, Index slab) {
    Page& page = pool_.page(slab);
    page.previous = PagePool::kNone;
    page.next = list.first;
    if (list.first != PagePool::kNone)
        pool_.page(list.first).previous = slab;
    list.first = slab;
}

void Heap::unlink(SlabList& list, Index slab) {
    const Page& page = pool_.page(slab);
    if (page.previous != PagePool::kNone)
        pool_.page(page.previous).next = page.next;
    else
        list.first = page.next;
    if (page.next != PagePool::kNone)
        pool_.page(page.next).previous = page.previous;
}

Heap::Index Heap::new_slab(std::size_t size_class) {
    const std::size_t pages = slab_pages(size_class), size = class_size(size_class);
    const auto slab = pool_.allocate(pages);
    if (!slab)
        return PagePool::kNone;
    Page& head = pool_.page(*slab);
    head.tag = static_cast<std::uint8_t>(size_class + kSlabTag);
    for (std::size_t page = 1; page < pages; ++page) {
        Page& interior = pool_.page(static_cast<Index>(*slab + page));
        interior.state = Page::State::Interior;
        interior.run = static_cast<Index>(page); // the way back to the head
    }

    FreeBlock* next = nullptr;
    for (std::size_t block = pages * kPageSize / size; block-- != 0;) {
        auto* const free_block = reinterpret_cast<FreeBlock*>(pool_.address(*slab) + block * size);
        free_block->next = next;
        next = free_block;
    }
    head.blocks = next;
    link(partial_[size_class], *slab);
    return *slab;
}

void* Heap::allocate_small(std::size_t size_class) {
    Index slab = partial_[size_class].first;
    if (slab == PagePool::kNone)
        slab = new_slab(size_class);
    if (slab == PagePool::kNone)
        return nullptr;
    Page& head = pool_.page(slab);
    auto* const block = static_cast<FreeBlock*>(head.blocks);
    head.blocks = block->next;
    ++head.used;
    if (head.blocks == nullptr)
        unlink(partial_[size_class], slab);
    return block;
}

void* Heap::allocate_large(std::size_t size, std::size_t alignment) {
    if (size > pool_.page_count() * kPageSize)
        return nullptr;
    const auto head = pool_.allocate((std::max<std::size_t>(size, 1) + kPageSize - 1) / kPageSize,
                                     std::max<std::size_t>(alignment / kPageSize, 1));
    if (!head)
        return nullptr;
    pool_.page(*head).tag = kLargeTag;
    return pool_.address(*head);
}

void* Heap::allocate(std::size_t size, std::size_t alignment) {
    ASHLAR_ASSERT(std::has_single_bit(alignment));
    const std::size_t size_class = class_for(size, alignment);
    void* const block = size_class < kClasses ? allocate_small(size_class) : allocate_large(size, alignment);
    if (block == nullptr) {
        ++failures_;
        return nullptr;
    }
    ++live_;
    ++allocations_;
    peak_pages_ = std::max<std::uint64_t>(peak_pages_, pool_.page_count() - pool_.free_pages());
    return block;
}

Heap::Index Heap::slab_of(Index page) {
    const Page& record = pool_.page(page);
    return record.state == Page::State::Interior && record.run <= page ? page - record.run : page;
}

void Heap::free_small(Index slab, void* block) {
    Page& head = pool_.page(slab);
    const std::size_t size_class = head.tag - kSlabTag;
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(block) - pool_.address(slab));
    ASHLAR_ASSERT(offset % class_size(size_class) == 0 && head.used != 0 && "not a block of the heap");

    if (head.blocks == nullptr)
        link(partial_[size_class], slab);
    auto* const free_block = static_cast<FreeBlock*>(block);
    free_block->next = static_cast<FreeBlock*>(head.blocks);
    head.blocks = free_block;
    // The last slab of a class stays, lest a single block that comes and goes costs a slab each time.
    const bool only_slab = partial_[size_class].first == slab && head.next == PagePool::kNone;
    if (--head.used == 0 && !only_slab) {
        unlink(partial_[size_class], slab);
        pool_.free(slab);
    }
}

void Heap::free(void* block) {
    if (block == nullptr)
        return;
    const Index page = pool_.index_of(block);
    ASHLAR_ASSERT(page != PagePool::kNone && "not a block of the heap");
    const Index head = slab_of(page);
    const Page& record = pool_.page(head);
    ASHLAR_ASSERT(record.state == Page::State::Head && record.tag != 0 && "not a block of the heap");
    if (record.tag == kLargeTag) {
        ASHLAR_ASSERT(block == pool_.address(head) && "not a block of the heap");
        pool_.free(head);
    } else {
        free_small(head, block);
    }
    --live_;
}

Heap::Statistics Heap::statistics() const {
    return {.total_bytes = pool_.page_count() * kPageSize,
            .used_bytes = (pool_.page_count() - pool_.free_pages()) * kPageSize,
            .peak_bytes = peak_pages_ * kPageSize,
            .live_blocks = live_,
            .allocations = allocations_,
            .failures = failures_};
}

} // namespace ashlar
