#include "jit/board/pci_function.h"

#include <algorithm>

#include "lib/virtio.h"
#include "lib/virtio_registers.h"

namespace ashlar::jit::board {
namespace {

// Registers of configuration space (PCI Local Bus 3.0, section 6.1).
constexpr std::uint16_t kCommand = 0x04, kStatus = 0x06, kBar0 = 0x10, kCapabilities = 0x34,
                        kInterruptLine = 0x3c;
constexpr std::uint16_t kMemory = 2, kMaster = 4, kNoInterrupt = 1 << 10;
constexpr std::uint8_t kInterruptStatus = 1 << 3;
constexpr std::uint8_t kVendorSpecific = 9;
constexpr unsigned kWideBar = 4;

using virtio::common::kConfigVector, virtio::common::kQueueVector, virtio::common::kQueueEnable;
using virtio::status::kDriverOk;
using virtio::structure::kCommon, virtio::structure::kNotify, virtio::structure::kIsr;
constexpr auto kDeviceStatus = virtio::common::kStatus;
constexpr std::uint8_t kIsrQueue = 1, kIsrChange = 2;

constexpr std::uint64_t kResetPatienceNs = 5'000'000'000;

std::uint64_t load(const volatile std::byte* at, unsigned width) {
    switch (width) {
    case 1: return *reinterpret_cast<const volatile std::uint8_t*>(at);
    case 2: return *reinterpret_cast<const volatile std::uint16_t*>(at);
    case 4: return *reinterpret_cast<const volatile std::uint32_t*>(at);
    default: return load(at, 4) | load(at + 4, 4) << 32; // fields of 64 bits take halves (4.1.3.1)
    }
}
void store(volatile std::byte* at, unsigned width, std::uint64_t value) {
    switch (width) {
    case 1: *reinterpret_cast<volatile std::uint8_t*>(at) = static_cast<std::uint8_t>(value); return;
    case 2: *reinterpret_cast<volatile std::uint16_t*>(at) = static_cast<std::uint16_t>(value); return;
    case 4: *reinterpret_cast<volatile std::uint32_t*>(at) = static_cast<std::uint32_t>(value); return;
    default:
        store(at, 4, value);
        store(at + 4, 4, value >> 32);
        return;
    }
}
std::uint64_t all_ones(unsigned width) {
    return ~std::uint64_t{0} >> (64 - 8 * width);
}

} // namespace

PciFunction::PciFunction(PciBackend& backend, Clock& clock, InterruptWire wire)
    : backend_(backend), clock_(clock), wire_(wire) {
    std::ranges::copy(backend.configuration(), configuration_.begin());
    find_structures();
    make_writable();
}

void PciFunction::find_structures() {
    std::size_t at = configuration_[kCapabilities];
    for (unsigned step = 0; at >= 0x40 && at <= configuration_.size() - 16 && step < 48;
         ++step, at = configuration_[at + 1]) {
        if (configuration_[at] != kVendorSpecific)
            continue;
        const auto field = [&](std::size_t offset) {
            std::uint32_t value = 0;
            for (unsigned i = 0; i < 4; ++i)
                value |= std::uint32_t{configuration_[at + offset + i]} << (8 * i);
            return value;
        };
        const std::uint8_t kind = configuration_[at + 3];
        Structure* const structure = kind == kCommon   ? &common_
                                     : kind == kNotify ? &notify_
                                     : kind == kIsr    ? &isr_
                                                       : nullptr;
        const Structure found{configuration_[at + 4], field(8), field(12)};
        if (structure == nullptr || structure->size != 0 || found.bar >= PciBackend::kBars)
            continue;
        const PciBarWindow& window = backend_.bar(found.bar);
        const bool sound =
            window.at != nullptr && found.offset <= window.size && found.size <= window.size - found.offset &&
            (kind != kCommon || (found.size >= virtio::common::kSize && found.offset % 4 == 0));
        if (sound)
            *structure = found;
    }
}

// Bits that keep what the guest writes.
void PciFunction::make_writable() {
    writable_[kCommand] = kMemory | kMaster;
    writable_[kCommand + 1] = kNoInterrupt >> 8;
    writable_[kInterruptLine] = 0xff;
    for (unsigned i = 0; i < PciBackend::kBars; ++i) {
        const PciBarWindow& window = backend_.bar(i);
        if (window.at == nullptr)
            continue;
        const std::size_t at = kBar0 + 4 * i;
        const unsigned bytes = (configuration_[at] & kWideBar) != 0 && i + 1 < PciBackend::kBars ? 8 : 4;
        const std::uint64_t mask = ~(window.size - 1);
        for (unsigned byte = 0; byte < bytes; ++byte)
            writable_[at + byte] = static_cast<std::uint8_t>(mask >> (8 * byte));
    }
}

std::uint16_t PciFunction::command() const {
    return static_cast<std::uint16_t>(configuration_[kCommand] | configuration_[kCommand + 1] << 8);
}

std::uint64_t PciFunction::read_configuration(std::uint16_t offset, unsigned width) const {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width && offset + i < configuration_.size(); ++i) {
        std::uint8_t byte = configuration_[offset + i];
        if (offset + i == kStatus && isr_status_ != 0)
            byte |= kInterruptStatus;
        value |= std::uint64_t{byte} << (8 * i);
    }
    return value;
}

void PciFunction::write_configuration(std::uint16_t offset, unsigned width, std::uint64_t value) {
    const std::uint16_t before = command();
    for (unsigned i = 0; i < width && offset + i < configuration_.size(); ++i) {
        std::uint8_t& byte = configuration_[offset + i];
        const std::uint8_t keeps = writable_[offset + i];
        byte = static_cast<std::uint8_t>((byte & ~keeps) | (value >> (8 * i) & keeps));
    }
    if (command() != before)
        command_written(before);
}

void PciFunction::command_written(std::uint16_t before) {
    if (((command() ^ before) & kMaster) != 0)
        backend_.set_bus_master((command() & kMaster) != 0);
    drive_wire();
}

std::optional<PciFunction::Place> PciFunction::find(GuestPhysicalAddress address) const {
    if ((command() & kMemory) == 0)
        return std::nullopt;
    for (unsigned i = 0; i < PciBackend::kBars; ++i) {
        const PciBarWindow& window = backend_.bar(i);
        if (window.at == nullptr)
            continue;
        const std::size_t at = kBar0 + 4 * i;
        const unsigned bytes = (configuration_[at] & kWideBar) != 0 ? 8 : 4;
        std::uint64_t base = 0;
        for (unsigned byte = 0; byte < bytes; ++byte)
            base |= std::uint64_t{configuration_[at + byte]} << (8 * byte);
        const std::uint64_t offset = address.value() - (base & ~(window.size - 1));
        if (offset < window.size)
            return Place{i, offset};
    }
    return std::nullopt;
}

volatile std::byte* PciFunction::common(std::uint64_t offset) const {
    return backend_.bar(common_.bar).at + common_.offset + offset;
}

Result<std::uint64_t> PciFunction::read(GuestPhysicalAddress address, unsigned width) {
    const auto place = find(address);
    if (!place)
        return Error::NotFound;
    ++statistics_.accesses;
    if (isr_.contains(*place)) { // reading it acknowledges
        const std::uint8_t status = isr_status_;
        forget_interrupts();
        return status;
    }
    const PciBarWindow& window = backend_.bar(place->bar);
    if (place->offset % width != 0)
        return Error::Misaligned;
    if (place->offset >= window.hole_begin && place->offset < window.hole_end)
        return all_ones(width);
    return load(window.at + place->offset, width);
}

Status PciFunction::write(GuestPhysicalAddress address, unsigned width, std::uint64_t value) {
    const auto place = find(address);
    if (!place)
        return Error::NotFound;
    ++statistics_.accesses;
    const PciBarWindow& window = backend_.bar(place->bar);
    if (place->offset % width != 0)
        return Error::Misaligned;
    if (place->offset >= window.hole_begin && place->offset < window.hole_end)
        return {};
    if (notify_.contains(*place))
        ++statistics_.notifications;
    else if (isr_.contains(*place) ||
             (common_.contains(*place) && !common_written(place->offset - common_.offset, value)))
        return {};
    store(window.at + place->offset, width, value);
    return {};
}

// The device interrupts by messages, of which the guest knows nothing: the vectors are told to it where the
// guest's driver would if it did. Vectors of the guest's own are kept from it (false).
bool PciFunction::common_written(std::uint64_t offset, std::uint64_t value) {
    switch (offset) {
    case kConfigVector:
    case kQueueVector: return false;
    case kQueueEnable: store(common(kQueueVector), 2, PciBackend::kQueueVector); return true;
    case kDeviceStatus:
        if ((value & 0xff) == 0)
            forget_interrupts();
        driver_works_ = (value & kDriverOk) != 0;
        if (driver_works_)
            store(common(kConfigVector), 2, PciBackend::kChangeVector);
        return true;
    default: return true;
    }
}

void PciFunction::forget_interrupts() {
    isr_status_ = 0;
    drive_wire();
}

void PciFunction::drive_wire() {
    wire_.set(isr_status_ != 0 && (command() & kNoInterrupt) == 0);
}

void PciFunction::poll() {
    const unsigned came = backend_.take_interrupts();
    if (came == 0)
        return;
    ++statistics_.interrupts;
    isr_status_ |= (came & PciBackend::kQueueInterrupt) != 0 ? kIsrQueue : 0;
    isr_status_ |= (came & PciBackend::kChangeInterrupt) != 0 ? kIsrChange : 0;
    drive_wire();
}

void PciFunction::quiesce() {
    if (common_.size != 0) {
        store(common(kDeviceStatus), 1, 0);
        const std::uint64_t until = clock_.monotonic_ns() + kResetPatienceNs;
        while (load(common(kDeviceStatus), 1) != 0 && clock_.monotonic_ns() < until) {
        }
    }
    backend_.set_bus_master(false); // one that does not reset is held back so
    driver_works_ = false;
}

void PciFunction::reset() {
    std::ranges::copy(backend_.configuration(), configuration_.begin());
    static_cast<void>(backend_.take_interrupts());
    forget_interrupts();
}

} // namespace ashlar::jit::board
