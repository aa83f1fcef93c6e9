// The guest-physical bus: memory-mapped devices of the virtual board.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::jit {

class MmioDevice {
public:
    // `width` is 1, 2, 4 or 8 bytes; offset + width lies within the attached size, alignment is the device's
    // concern. An error becomes the guest's access fault.
    virtual Result<std::uint64_t> read(std::uint64_t offset, unsigned width) = 0;
    virtual Status write(std::uint64_t offset, unsigned width, std::uint64_t value) = 0;

protected:
    ~MmioDevice() = default;
};

// At most kMaxDevices ranges that do not overlap. Built before the harts run; not synchronized (all harts of
// a machine that share a bus run on one thread).
class Bus {
public:
    static constexpr std::size_t kMaxDevices = 32;

    // The device must outlive the bus. Overlap, or OutOfMemory when the table is full.
    Status attach(std::string_view name, GuestPhysicalAddress base, std::uint64_t size, MmioDevice& device);
    // NotFound when no device answers there, else what the device says.
    Result<std::uint64_t> read(GuestPhysicalAddress address, unsigned width);
    Status write(GuestPhysicalAddress address, unsigned width, std::uint64_t value);

private:
    struct Range {
        std::string_view name;
        GuestPhysicalAddress base;
        std::uint64_t size;
        MmioDevice* device;
    };
    Range* find(GuestPhysicalAddress address, unsigned width);

    std::array<Range, kMaxDevices> ranges_{};
    std::size_t count_ = 0;
};

} // namespace ashlar::jit
