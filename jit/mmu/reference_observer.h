// Who wants to see every load and store of a hart.
#pragma once

#include "jit/mmu/mapping.h"

namespace ashlar::jit::mmu {

// Translations that loads and stores must not use any longer.
struct Flush {
    enum class Kind : std::uint8_t {
        Space,   // all of the address space's
        Context, // what the first level has of one context
        Local,   // what the first level has of the space's pages that are not global
        Range,   // `size` bytes from `address` in the space
    };
    Kind kind;
    std::size_t space = 0, context = 0;
    std::uint64_t address = 0, size = 0;
};

// Called on the hart's thread, in the order in which things happen.
class ReferenceObserver {
public:
    // Whether mapped() is to be told of this access.
    virtual bool referenced(std::uint64_t address, Access access) = 0;
    virtual void mapped(const Mapping& mapping) = 0;
    // By whom accesses are from now on.
    virtual void selected(const Selection& data) = 0;
    virtual void flushed(const Flush& flush) = 0;

protected:
    ~ReferenceObserver() = default;
};

} // namespace ashlar::jit::mmu
