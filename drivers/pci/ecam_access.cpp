#include "drivers/pci/ecam_access.h"

namespace ashlar::pci {

Status EcamAccess::add(const BusRange& range, volatile std::byte* memory) {
    for (std::size_t i = 0; i < count_; ++i)
        if (segments_[i].buses.segment == range.segment)
            return Error::Overlap;
    if (count_ == kMaxSegments)
        return Error::OutOfMemory;
    segments_[count_++] = {range, memory};
    return {};
}

// Bus, device and function choose a page of 4 KiB.
template <class T>
volatile T* EcamAccess::find(FunctionAddress at, std::uint16_t offset) const {
    if (offset + sizeof(T) > space_size())
        return nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
        const auto& [buses, memory] = segments_[i];
        if (at.segment != buses.segment || at.bus < buses.first || at.bus > buses.last)
            continue;
        const std::size_t page =
            static_cast<std::size_t>(at.bus - buses.first) << 8 | (at.device & 31u) << 3 | (at.function & 7u);
        return reinterpret_cast<volatile T*>(memory + (page << 12 | offset));
    }
    return nullptr;
}

template <class T>
T EcamAccess::read(FunctionAddress at, std::uint16_t offset) const {
    volatile T* const place = find<T>(at, offset);
    return place != nullptr ? *place : static_cast<T>(~T{0});
}

template <class T>
void EcamAccess::write(FunctionAddress at, std::uint16_t offset, T value) const {
    if (volatile T* const place = find<T>(at, offset))
        *place = value;
}

std::uint8_t EcamAccess::read8(FunctionAddress at, std::uint16_t offset) {
    return read<std::uint8_t>(at, offset);
}
std::uint16_t EcamAccess::read16(FunctionAddress at, std::uint16_t offset) {
    return read<std::uint16_t>(at, offset);
}
std::uint32_t EcamAccess::read32(FunctionAddress at, std::uint16_t offset) {
    return read<std::uint32_t>(at, offset);
}
void EcamAccess::write8(FunctionAddress at, std::uint16_t offset, std::uint8_t value) {
    write(at, offset, value);
}
void EcamAccess::write16(FunctionAddress at, std::uint16_t offset, std::uint16_t value) {
    write(at, offset, value);
}
void EcamAccess::write32(FunctionAddress at, std::uint16_t offset, std::uint32_t value) {
    write(at, offset, value);
}

} // namespace ashlar::pci
