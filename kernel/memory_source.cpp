#include "kernel/memory_source.h"

namespace ashlar::kernel {

Result<MemorySource::Block> MemorySource::allocate_one_of(std::span<const unsigned> orders) {
    ASHLAR_ASSERT(!orders.empty());
    NodeWish wish;
    for (unsigned rank = 0; placement_.candidate(frames_, orders.front(), rank, wish); ++rank)
        for (const unsigned order : orders) {
            const Result<PhysicalAddress> block = frames_.allocate(order, wish, account_);
            if (block.ok()) {
                if (wish.node != kAnyNode)
                    placement_.took(wish.node, order);
                return Block{block.value(), order};
            }
            if (block.error() != Error::OutOfMemory)
                return block.error();
        }
    return Error::OutOfMemory;
}

} // namespace ashlar::kernel
