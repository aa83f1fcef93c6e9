#include "drivers/virtio/mmio_transport.h"

#include <algorithm>

#include "lib/virtio_registers.h"

namespace ashlar::virtio {
namespace {

using namespace mmio;

constexpr unsigned kGenerationTries = 16;
constexpr std::uint16_t kMaxQueues = 64;

} // namespace

Result<MmioTransport> MmioTransport::open(PhysicalAddress registers, std::uint64_t size, Platform& platform) {
    if (size < kSmallestWindow)
        return Error::OutOfRange;
    ASHLAR_TRY(platform.map(registers, size));
    MmioTransport transport(platform, registers, size);
    if (transport.read(kMagicValue) != kMagic)
        return Error::NotFound;
    transport.id_ = static_cast<DeviceId>(transport.read(kDeviceId));
    if (transport.id_ == DeviceId::None)
        return Error::NotFound;
    if (transport.read(kVersion) != 2)
        return Error::Unsupported;
    return transport;
}

std::uint8_t MmioTransport::read_status() {
    return static_cast<std::uint8_t>(read(kStatus));
}
void MmioTransport::write_status(std::uint8_t status) {
    write(kStatus, status);
}

std::uint64_t MmioTransport::offered_features() {
    std::uint64_t features = 0;
    for (const std::uint32_t half : {0u, 1u}) {
        write(kDeviceFeaturesSelect, half);
        features |= std::uint64_t{read(kDeviceFeatures)} << (32 * half);
    }
    return features;
}
void MmioTransport::accept_features(std::uint64_t features) {
    for (const std::uint32_t half : {0u, 1u}) {
        write(kDriverFeaturesSelect, half);
        write(kDriverFeatures, static_cast<std::uint32_t>(features >> (32 * half)));
    }
}

// There is no register that tells.
std::uint16_t MmioTransport::queue_count() {
    std::uint16_t count = 0;
    while (count < kMaxQueues && largest_queue(count) != 0)
        ++count;
    return count;
}
std::uint16_t MmioTransport::largest_queue(std::uint16_t index) {
    write(kQueueSelect, index);
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(read(kQueueSizeMax), 0x8000));
}

void MmioTransport::write64(std::uint16_t offset, std::uint64_t value) {
    write(offset, static_cast<std::uint32_t>(value));
    write(static_cast<std::uint16_t>(offset + 4), static_cast<std::uint32_t>(value >> 32));
}

Status MmioTransport::enable_queue(std::uint16_t index, const QueueAddresses& addresses) {
    const std::uint16_t largest = largest_queue(index); // and chooses the queue
    if (largest == 0 || addresses.size > largest || read(kQueueReady) != 0)
        return Error::NotFound;
    write(kQueueSize, addresses.size);
    write64(kQueueDescriptorsLow, addresses.descriptors);
    write64(kQueueDriverLow, addresses.driver);
    write64(kQueueDeviceLow, addresses.device);
    write(kQueueReady, 1);
    return {};
}

void MmioTransport::notify(std::uint16_t index) {
    write(kQueueNotify, index);
}

Status MmioTransport::read_configuration(std::size_t offset, MutableBytes to) {
    const std::uint64_t room = size_ - kConfiguration;
    if (offset > room || to.size() > room - offset)
        return Error::OutOfRange;
    for (unsigned attempt = 0; attempt < kGenerationTries; ++attempt) {
        const std::uint32_t before = read(kConfigurationGeneration);
        for (std::size_t i = 0; i < to.size(); ++i)
            to[i] = static_cast<std::byte>(platform_->read8(registers_ + kConfiguration + offset + i));
        if (read(kConfigurationGeneration) == before)
            return {};
    }
    return Error::Busy;
}

} // namespace ashlar::virtio
