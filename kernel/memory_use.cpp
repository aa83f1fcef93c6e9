#include "kernel/memory_use.h"

#include <bit>

namespace ashlar::kernel {
namespace {

constexpr GuestPhysicalAddress kBegin(0);

struct LeafCounter final : LeafVisitor {
    explicit LeafCounter(MemoryUse& result) : use(result) {}
    void visit(GuestPhysicalAddress, std::uint64_t size) override {
        const auto level = static_cast<unsigned>(std::bit_width(size) - 1 - kPageShift) / 9;
        ++use.leaves[level];
    }
    MemoryUse& use;
};

struct ByteCounter final : LeafVisitor {
    explicit ByteCounter(MemoryUse& result) : use(result) {}
    void visit(GuestPhysicalAddress, std::uint64_t size) override { use.used_bytes += size; }
    MemoryUse& use;
};

} // namespace

MemoryUse take_memory_use(AddressSpace& space) {
    MemoryUse use;
    LeafCounter leaves(use);
    space.for_each_leaf(leaves);
    ByteCounter bytes(use);
    const Status taken = space.take_accessed(kBegin, space.size(), bytes);
    ASHLAR_ASSERT(taken.ok()); // the range is a whole address space's
    return use;
}

} // namespace ashlar::kernel
