#include "lib/page_pool.h"

#include <bit>

#include "lib/assert.h"

namespace ashlar {

void PagePool::initialize(MutableBytes memory) {
    ASHLAR_ASSERT(pages_ == nullptr);
    ASHLAR_ASSERT(reinterpret_cast<std::uintptr_t>(memory.data()) % kPageSize == 0);
    ASHLAR_ASSERT(memory.size() % kPageSize == 0 && memory.size() / kPageSize < kNone);
    for (Index& list : lists_)
        list = kNone;

    const std::size_t all = memory.size() / kPageSize;
    const std::size_t record_pages = (all * sizeof(Page) + kPageSize - 1) / kPageSize;
    pages_ = reinterpret_cast<Page*>(memory.data());
    base_ = memory.data() + record_pages * kPageSize;
    count_ = all > record_pages ? all - record_pages : 0;
    if (count_ != 0)
        insert(0, count_);
}

unsigned PagePool::list_of(std::size_t run) {
    return static_cast<unsigned>(std::bit_width(run)) - 1;
}

void PagePool::insert(Index first, std::size_t run) {
    Index& list = lists_[list_of(run)];
    Page& head = pages_[first];
    Page& tail = pages_[first + run - 1];
    head.state = tail.state = Page::State::Free;
    head.run = tail.run = static_cast<Index>(run);
    head.previous = kNone;
    head.next = list;
    if (list != kNone)
        pages_[list].previous = first;
    list = first;
    free_pages_ += run;
}

void PagePool::remove(Index first) {
    const Page& head = pages_[first];
    if (head.previous != kNone)
        pages_[head.previous].next = head.next;
    else
        lists_[list_of(head.run)] = head.next;
    if (head.next != kNone)
        pages_[head.next].previous = head.previous;
    free_pages_ -= head.run;
}

std::optional<PagePool::Index> PagePool::fit(Index first, std::size_t count, std::size_t alignment) const {
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(this->address(first));
    const std::size_t skip = (0 - address / kPageSize) & (alignment - 1);
    const std::size_t run = pages_[first].run;
    if (skip > run || run - skip < count)
        return std::nullopt;
    return static_cast<Index>(first + skip);
}

PagePool::Index PagePool::take(Index first, Index start, std::size_t count) {
    const std::size_t run = pages_[first].run;
    remove(first);
    if (start != first)
        insert(first, start - first);
    const std::size_t after = first + run - start - count;
    if (after != 0)
        insert(static_cast<Index>(start + count), after);
    // Neighbours look at the run's two ends when they are freed; the owner looks at the head.
    pages_[start + count - 1].state = Page::State::Interior;
    pages_[start + count - 1].run = static_cast<Index>(count - 1);
    pages_[start] = {.run = static_cast<Index>(count),
                     .next = kNone,
                     .previous = kNone,
                     .used = 0,
                     .tag = 0,
                     .state = Page::State::Head,
                     .blocks = nullptr};
    return start;
}

std::optional<PagePool::Index> PagePool::allocate(std::size_t count, std::size_t alignment) {
    ASHLAR_ASSERT(count != 0 && std::has_single_bit(alignment));
    if (count > free_pages_)
        return std::nullopt;
    // The list of runs of the same magnitude needs a search; in those above, the first run fits unless the
    // alignment is large.
    for (unsigned list = list_of(count); list < kLists; ++list)
        for (Index first = lists_[list]; first != kNone; first = pages_[first].next)
            if (const auto start = fit(first, count, alignment))
                return take(first, *start, count);
    return std::nullopt;
}

void PagePool::free(Index head) {
    ASHLAR_ASSERT(head < count_ && pages_[head].state == Page::State::Head);
    Index first = head;
    std::size_t run = pages_[head].run;
    if (first != 0 && pages_[first - 1].state == Page::State::Free) {
        const Index before = pages_[first - 1].run;
        first -= before;
        run += before;
        remove(first);
    }
    const std::size_t end = first + run;
    if (end != count_ && pages_[end].state == Page::State::Free) {
        run += pages_[end].run;
        remove(static_cast<Index>(end));
    }
    pages_[head].state = Page::State::Interior; // lest a second free() of the same run goes unnoticed
    pages_[head].tag = 0;
    insert(first, run);
}

PagePool::Index PagePool::index_of(const void* address) const {
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base_);
    const std::uintptr_t index = offset / kPageSize;
    return index < count_ ? static_cast<Index>(index) : kNone;
}

} // namespace ashlar
