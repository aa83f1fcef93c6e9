#include "jit/bus.h"

namespace ashlar::jit {

Status Bus::attach(std::string_view name, GuestPhysicalAddress base, std::uint64_t size, MmioDevice& device) {
    if (size == 0 || base.value() + (size - 1) < base.value())
        return Error::InvalidArgument;
    for (std::size_t i = 0; i < count_; ++i)
        if (base - ranges_[i].base < ranges_[i].size || ranges_[i].base - base < size)
            return Error::Overlap;
    if (count_ == kMaxDevices)
        return Error::OutOfMemory;
    ranges_[count_++] = {name, base, size, &device};
    return {};
}

Bus::Range* Bus::find(GuestPhysicalAddress address, unsigned width) {
    for (std::size_t i = 0; i < count_; ++i) {
        const std::uint64_t offset = address - ranges_[i].base;
        if (offset < ranges_[i].size)
            return width <= ranges_[i].size - offset ? &ranges_[i] : nullptr;
    }
    return nullptr;
}

Result<std::uint64_t> Bus::read(GuestPhysicalAddress address, unsigned width) {
    const Range* range = find(address, width);
    if (range == nullptr)
        return Error::NotFound;
    return range->device->read(address - range->base, width);
}

Status Bus::write(GuestPhysicalAddress address, unsigned width, std::uint64_t value) {
    const Range* range = find(address, width);
    if (range == nullptr)
        return Error::NotFound;
    return range->device->write(address - range->base, width, value);
}

} // namespace ashlar::jit
