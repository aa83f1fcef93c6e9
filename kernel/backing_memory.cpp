#include "kernel/backing_memory.h"

namespace ashlar::kernel {
namespace {

constexpr unsigned kOrder2M = 9, kOrder1G = 18;

constexpr std::uint64_t round_up_to_pages(std::uint64_t bytes) {
    return (bytes + kPageSize - 1) & ~std::uint64_t{kPageSize - 1};
}

// The sizes that second-level tables have leaves of, largest first. A block starts where its own size divides
// the offset, so that it can be mapped by one leaf if the run is mapped at such an address.
constexpr unsigned kOrders[] = {kOrder1G, kOrder2M, 0};

} // namespace

Status BackingMemory::reserve(MemorySource& source, std::uint64_t bytes) {
    ASHLAR_ASSERT(first_ == nullptr);
    const std::uint64_t total = round_up_to_pages(bytes);
    if (total < bytes)
        return Error::OutOfRange;
    source_ = &source;
    for (std::uint64_t offset = 0; offset < total; offset = last_->blocks[last_->count - 1].end()) {
        if (const Status status = add_block(offset, total - offset); !status.ok()) {
            release();
            return status;
        }
    }
    size_ = bytes;
    return {};
}

Status BackingMemory::add_block(std::uint64_t offset, std::uint64_t wanted) {
    if (last_ == nullptr || last_->count == RecordPage::kCapacity) {
        RecordPage* const page = ASHLAR_TRY(create_in_frames<RecordPage>(*source_));
        (last_ == nullptr ? first_ : last_->next) = page;
        last_ = page;
    }
    unsigned orders[std::size(kOrders)];
    std::size_t count = 0;
    for (const unsigned order : kOrders) {
        const std::uint64_t size = kPageSize << order;
        if (size <= wanted && offset % size == 0 && order <= source_->placement().largest_order())
            orders[count++] = order;
    }
    const MemorySource::Block block = ASHLAR_TRY(source_->allocate_one_of({orders, count}));
    last_->blocks[last_->count++] = {offset, block.address, block.order};
    return {};
}

void BackingMemory::clear() {
    for (const RecordPage* page = first_; page != nullptr; page = page->next)
        for (std::size_t i = 0; i < page->count; ++i)
            arch::clear_pages(arch::physical_to_virtual(page->blocks[i].address),
                              kPageSize << page->blocks[i].order);
}

Status BackingMemory::allocate(MemorySource& source, std::uint64_t bytes) {
    ASHLAR_TRY(reserve(source, bytes));
    clear();
    return {};
}

void BackingMemory::release() {
    while (first_ != nullptr) {
        RecordPage* const page = first_;
        first_ = page->next;
        for (std::size_t i = 0; i < page->count; ++i)
            source_->free(page->blocks[i].address, page->blocks[i].order);
        destroy_in_frames(*source_, page);
    }
    last_ = nullptr;
    size_ = 0;
}

const BackingMemory::Block& BackingMemory::find(std::uint64_t offset) const {
    const RecordPage* page = first_;
    while (page != nullptr && offset >= page->blocks[page->count - 1].end())
        page = page->next;
    ASHLAR_ASSERT(page != nullptr);
    const Block* const begin = page->blocks;
    const Block* const after =
        std::upper_bound(begin, begin + page->count, offset,
                         [](std::uint64_t o, const Block& block) { return o < block.offset; });
    return *(after - 1);
}

MutableBytes BackingMemory::chunk(std::uint64_t offset) const {
    const Block& block = find(offset);
    const std::uint64_t within = offset - block.offset;
    auto* const bytes = static_cast<std::byte*>(arch::physical_to_virtual(block.address));
    return {bytes + within, block.end() - offset};
}

Status BackingMemory::write(std::uint64_t offset, Bytes from) {
    if (offset > size_ || from.size() > size_ - offset)
        return Error::OutOfRange;
    while (!from.empty()) {
        const MutableBytes to = chunk(offset);
        const std::size_t length = std::min(to.size(), from.size());
        std::memcpy(to.data(), from.data(), length);
        from = from.subspan(length);
        offset += length;
    }
    return {};
}

Status BackingMemory::read(std::uint64_t offset, MutableBytes to) const {
    if (offset > size_ || to.size() > size_ - offset)
        return Error::OutOfRange;
    while (!to.empty()) {
        const Bytes from = chunk(offset);
        const std::size_t length = std::min(to.size(), from.size());
        std::memcpy(to.data(), from.data(), length);
        to = to.subspan(length);
        offset += length;
    }
    return {};
}

Status BackingMemory::map(AddressSpace& space, GuestPhysicalAddress to, Rights rights) const {
    for (const RecordPage* page = first_; page != nullptr; page = page->next) {
        for (std::size_t i = 0; i < page->count; ++i) {
            const Block& block = page->blocks[i];
            const Status status = space.map(to + block.offset, block.address, kPageSize << block.order,
                                            rights, MemoryType::WriteBack);
            if (!status.ok()) {
                if (block.offset != 0)
                    static_cast<void>(space.unmap(to, block.offset).ok());
                return status;
            }
        }
    }
    return {};
}

} // namespace ashlar::kernel
