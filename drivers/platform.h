// What drivers need of the program they run in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar {

// Memory that a device can access: contiguous for it, zeroed, aligned to pages.
struct DmaBlock {
    std::byte* at = nullptr;
    std::uint64_t address = 0; // the same for the device
    std::size_t size = 0;      // 0: there is none
};

// Used by one CPU at a time.
class Platform {
public:
    // Device registers, which map() has made accessible.
    virtual Status map(PhysicalAddress registers, std::uint64_t size) = 0;
    virtual std::uint8_t read8(PhysicalAddress at) = 0;
    virtual std::uint16_t read16(PhysicalAddress at) = 0;
    virtual std::uint32_t read32(PhysicalAddress at) = 0;
    virtual void write8(PhysicalAddress at, std::uint8_t value) = 0;
    virtual void write16(PhysicalAddress at, std::uint16_t value) = 0;
    virtual void write32(PhysicalAddress at, std::uint32_t value) = 0;

    virtual Result<DmaBlock> allocate(std::size_t bytes) = 0;
    virtual void free(const DmaBlock& block) = 0;
    // What was stored there is in memory when it returns, for units that do not look into the CPU's caches.
    virtual void write_back(const std::byte*, std::size_t) {}

    virtual std::uint64_t now_ns() = 0; // never goes back
    virtual void pause() = 0;           // within a loop that waits

protected:
    ~Platform() = default;
};

} // namespace ashlar
