#include "drivers/virtio/pci_transport.h"

#include "drivers/pci/capabilities.h"
#include "lib/virtio_registers.h"

namespace ashlar::virtio {
namespace {

constexpr std::uint16_t kVendor = 0x1af4, kFirstModern = 0x1040, kFirstTransitional = 0x1000,
                        kEndOfTransitional = 0x1040, kEndOfModern = 0x1080;

using namespace structure;
using namespace common;

constexpr unsigned kGenerationTries = 16;

// 4.1.2.1: modern devices count from 0x1040; of transitional ones the subsystem tells.
DeviceId id_of(const pci::Function& function) {
    return static_cast<DeviceId>(function.device >= kFirstModern ? function.device - kFirstModern
                                                                 : function.subsystem);
}

} // namespace

bool PciTransport::matches(const pci::Function& function) {
    return function.vendor == kVendor && function.device >= kFirstTransitional &&
           function.device < kEndOfModern;
}

Result<PciTransport> PciTransport::open(pci::ConfigAccess& config, const pci::Function& function,
                                        Platform& platform) {
    static_assert(kFirstModern == kEndOfTransitional);
    if (!matches(function))
        return Error::NotFound;
    PciTransport transport(platform, id_of(function));
    ASHLAR_TRY(transport.find_regions(config, function));
    return transport;
}

// The first structure of each kind that is whole counts: devices list those that they like best first.
Status PciTransport::find_regions(pci::ConfigAccess& config, const pci::Function& function) {
    bool any = false;
    pci::for_each_capability(config, function.address, [&](std::uint8_t id, std::uint16_t at) {
        const auto field32 = [&](std::uint16_t field) {
            return config.read32(function.address, static_cast<std::uint16_t>(at + field));
        };
        const auto field8 = [&](std::uint16_t field) {
            return config.read8(function.address, static_cast<std::uint16_t>(at + field));
        };
        if (id != pci::capability::kVendorSpecific || at > 256 - kMultiplierField)
            return true;
        const std::uint8_t kind = field8(kKindField), bar = field8(kBarField);
        Region* const region = kind == kCommon              ? &common_
                               : kind == kNotify            ? &notify_
                               : kind == structure::kDevice ? &device_
                                                            : nullptr;
        any = any || region != nullptr;
        if (region == nullptr || region->size != 0 || bar >= function.bars.size())
            return true;
        const pci::Bar& place = function.bars[bar];
        const std::uint32_t offset = field32(kOffsetField), length = field32(kLengthField);
        if (place.kind != pci::Bar::Kind::Memory || !place.assigned() || offset > place.size ||
            length > place.size - offset || (offset & 3) != 0)
            return true;
        if (kind == kCommon && length < common::kSize)
            return true;
        if (kind == kNotify) {
            if (at > 256 - kMultiplierField - 4)
                return true;
            notify_multiplier_ = field32(kMultiplierField);
        }
        *region = {PhysicalAddress(place.address + offset), length};
        return true;
    });
    if (common_.size == 0 || notify_.size == 0)
        return any ? Error::Malformed : Error::Unsupported;
    for (const Region* const region : {&common_, &notify_, &device_})
        if (region->size != 0)
            ASHLAR_TRY(platform_->map(region->at, region->size));
    return {};
}

std::uint8_t PciTransport::read_status() {
    return platform_->read8(common_.at + kStatus);
}
void PciTransport::write_status(std::uint8_t status) {
    platform_->write8(common_.at + kStatus, status);
}

std::uint64_t PciTransport::offered_features() {
    std::uint64_t features = 0;
    for (const std::uint32_t half : {0u, 1u}) {
        platform_->write32(common_.at + kDeviceFeatureSelect, half);
        features |= std::uint64_t{platform_->read32(common_.at + kDeviceFeature)} << (32 * half);
    }
    return features;
}
void PciTransport::accept_features(std::uint64_t features) {
    for (const std::uint32_t half : {0u, 1u}) {
        platform_->write32(common_.at + kDriverFeatureSelect, half);
        platform_->write32(common_.at + kDriverFeature, static_cast<std::uint32_t>(features >> (32 * half)));
    }
}

std::uint16_t PciTransport::queue_count() {
    return platform_->read16(common_.at + kQueueCount);
}
std::uint16_t PciTransport::largest_queue(std::uint16_t index) {
    if (index >= kMaxQueues || index >= queue_count())
        return 0;
    platform_->write16(common_.at + kQueueSelect, index);
    return platform_->read16(common_.at + kQueueSize);
}

// 64-bit fields take 32-bit accesses (4.1.3.1).
void PciTransport::write64(std::uint16_t offset, std::uint64_t value) {
    platform_->write32(common_.at + offset, static_cast<std::uint32_t>(value));
    platform_->write32(common_.at + offset + 4, static_cast<std::uint32_t>(value >> 32));
}

Status PciTransport::enable_queue(std::uint16_t index, const QueueAddresses& addresses) {
    const std::uint16_t largest = largest_queue(index); // and chooses the queue
    if (largest == 0 || addresses.size > largest)
        return Error::NotFound;
    const std::uint64_t doorbell =
        std::uint64_t{platform_->read16(common_.at + kQueueNotifyOffset)} * notify_multiplier_;
    if (doorbell + 2 > notify_.size || (doorbell & 1) != 0)
        return Error::Malformed;
    doorbells_[index] = notify_.at + doorbell;
    platform_->write16(common_.at + kConfigVector, kNoVector);
    platform_->write16(common_.at + kQueueSize, addresses.size);
    platform_->write16(common_.at + kQueueVector, addresses.vector);
    write64(kQueueDescriptors, addresses.descriptors);
    write64(kQueueDriver, addresses.driver);
    write64(kQueueDevice, addresses.device);
    platform_->write16(common_.at + kQueueEnable, 1);
    return {};
}

void PciTransport::notify(std::uint16_t index) {
    platform_->write16(doorbells_[index], index);
}

// By bytes: fields of any width may be read so by devices that follow 4.1.3.1 for configuration, which is
// little-endian bytes to them; the generation tells whether fields belong together (2.5.1).
Status PciTransport::read_configuration(std::size_t offset, MutableBytes to) {
    if (offset > device_.size || to.size() > device_.size - offset)
        return Error::OutOfRange;
    for (unsigned attempt = 0; attempt < kGenerationTries; ++attempt) {
        const std::uint8_t before = platform_->read8(common_.at + kGeneration);
        for (std::size_t i = 0; i < to.size(); ++i)
            to[i] = static_cast<std::byte>(platform_->read8(device_.at + offset + i));
        if (platform_->read8(common_.at + kGeneration) == before)
            return {};
    }
    return Error::Busy;
}

} // namespace ashlar::virtio
