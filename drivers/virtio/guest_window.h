// A VM's RAM as the hypervisor and devices reach it: guest-physical addresses that are not trusted become
// pointers and device addresses.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/address.h"
#include "lib/bytes.h"

namespace ashlar::virtio {

// Contiguous for the VM, for us and for devices.
struct GuestExtent {
    std::uint64_t begin = 0, size = 0; // guest-physical
    std::byte* at = nullptr;
    std::uint64_t device = 0;
};

// Where the VM's RAM really is.
class GuestRam {
public:
    // What holds `address`, which lies in RAM. Extents are made of whole pages and do not move.
    virtual GuestExtent extent(std::uint64_t address) = 0;

protected:
    ~GuestRam() = default;
};

class GuestWindow {
public:
    // [begin, begin + size); `ram` outlives the window.
    GuestWindow(GuestRam& ram, std::uint64_t begin, std::uint64_t size)
        : ram_(ram), begin_(begin), size_(size) {}

    bool contains(std::uint64_t address, std::uint64_t length) const {
        return address >= begin_ && length <= size_ && address - begin_ <= size_ - length;
    }

    // The rest of its extent, from `address` (contained) on.
    GuestExtent from(std::uint64_t address) {
        const GuestExtent& extent = find(address);
        const std::uint64_t skip = address - extent.begin;
        return {address, extent.size - skip, extent.at + skip, extent.device + skip};
    }
    // A pointer to what does not leave its page.
    std::byte* at(std::uint64_t address) {
        const GuestExtent& extent = find(address);
        return extent.at + (address - extent.begin);
    }
    // All of [address, address + Size) is contained; mostly it does not leave its extent.
    template <std::size_t Size>
    std::array<std::byte, Size> copy(std::uint64_t address) {
        std::array<std::byte, Size> bytes;
        const GuestExtent& extent = find(address);
        const std::uint64_t skip = address - extent.begin;
        if (extent.size - skip >= Size) [[likely]]
            std::memcpy(bytes.data(), extent.at + skip, Size);
        else
            read(address, bytes);
        return bytes;
    }
    // All of [address, address + to.size()) is contained.
    void read(std::uint64_t address, MutableBytes to) {
        while (!to.empty()) {
            const GuestExtent extent = from(address);
            const std::size_t part = std::min<std::uint64_t>(extent.size, to.size());
            std::memcpy(to.data(), extent.at, part);
            to = to.subspan(part);
            address += part;
        }
    }
    void write(std::uint64_t address, Bytes bytes) {
        while (!bytes.empty()) {
            const GuestExtent extent = from(address);
            const std::size_t part = std::min<std::uint64_t>(extent.size, bytes.size());
            std::memcpy(extent.at, bytes.data(), part);
            bytes = bytes.subspan(part);
            address += part;
        }
    }

private:
    // RAM mostly comes in pieces of 2 MiB: those in use are remembered.
    static constexpr unsigned kGranule = 21;
    static constexpr std::size_t kRemembered = 32;

    const GuestExtent& find(std::uint64_t address) {
        GuestExtent& extent = remembered_[address >> kGranule & (kRemembered - 1)];
        if (address - extent.begin >= extent.size) [[unlikely]]
            extent = ram_.extent(address);
        return extent;
    }

    GuestRam& ram_;
    std::uint64_t begin_, size_;
    std::array<GuestExtent, kRemembered> remembered_{};
};

} // namespace ashlar::virtio
