// Where physical memory is mapped: pointers to the addresses that hypercalls want.
#pragma once

#include <array>
#include <cstddef>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::jit::bare {

// A few ranges of virtual addresses, each mapped to contiguous physical memory.
class AddressWindows {
public:
    static constexpr std::size_t kMaxWindows = 12;

    // OutOfMemory when the table is full. An empty window is accepted and forgotten.
    Status add(VirtualAddress base, GuestPhysicalAddress physical, std::uint64_t size) {
        if (size == 0)
            return {};
        if (count_ == kMaxWindows)
            return Error::OutOfMemory;
        windows_[count_++] = {base, physical, size};
        return {};
    }

    // OutOfRange unless the whole object lies in one window.
    Result<GuestPhysicalAddress> physical(const void* object, std::uint64_t size) const {
        const VirtualAddress address(reinterpret_cast<std::uintptr_t>(object));
        for (std::size_t i = 0; i < count_; ++i) {
            const Window& window = windows_[i];
            const std::uint64_t offset = address - window.base;
            if (offset <= window.size && size <= window.size - offset)
                return window.physical + offset;
        }
        return Error::OutOfRange;
    }

private:
    struct Window {
        VirtualAddress base;
        GuestPhysicalAddress physical;
        std::uint64_t size;
    };
    std::array<Window, kMaxWindows> windows_{};
    std::size_t count_ = 0;
};

} // namespace ashlar::jit::bare
