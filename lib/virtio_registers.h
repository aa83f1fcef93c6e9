// Where virtio's transports have their registers: numbers that drivers and devices share. Specification:
// Virtio 1.2, sections 4.1 and 4.2.
#pragma once

#include <cstdint>

namespace ashlar::virtio {

// A window in memory (table 4.1).
namespace mmio {
enum Register : std::uint16_t {
    kMagicValue = 0x000,
    kVersion = 0x004,
    kDeviceId = 0x008,
    kVendorId = 0x00c,
    kDeviceFeatures = 0x010,
    kDeviceFeaturesSelect = 0x014,
    kDriverFeatures = 0x020,
    kDriverFeaturesSelect = 0x024,
    kQueueSelect = 0x030,
    kQueueSizeMax = 0x034,
    kQueueSize = 0x038,
    kQueueReady = 0x044,
    kQueueNotify = 0x050,
    kInterruptStatus = 0x060,
    kInterruptAcknowledge = 0x064,
    kStatus = 0x070,
    kQueueDescriptorsLow = 0x080,
    kQueueDescriptorsHigh = 0x084,
    kQueueDriverLow = 0x090,
    kQueueDriverHigh = 0x094,
    kQueueDeviceLow = 0x0a0,
    kQueueDeviceHigh = 0x0a4,
    kSharedMemoryLengthLow = 0x0b0,
    kSharedMemoryLengthHigh = 0x0b4,
    kConfigurationGeneration = 0x0fc,
    kConfiguration = 0x100,
};
constexpr std::uint32_t kMagic = 0x7472'6976; // "virt"
} // namespace mmio

// Structures within a PCI function's BARs, as its capabilities name them (4.1.4).
namespace structure {
enum Kind : std::uint8_t { kCommon = 1, kNotify = 2, kIsr = 3, kDevice = 4 };
constexpr std::uint16_t kNextField = 1, kCapabilityLengthField = 2, kKindField = 3, kBarField = 4,
                        kOffsetField = 8, kLengthField = 12, kMultiplierField = 16;
} // namespace structure

// The common configuration (4.1.4.3).
namespace common {
enum Field : std::uint16_t {
    kDeviceFeatureSelect = 0x00,
    kDeviceFeature = 0x04,
    kDriverFeatureSelect = 0x08,
    kDriverFeature = 0x0c,
    kConfigVector = 0x10,
    kQueueCount = 0x12,
    kStatus = 0x14,
    kGeneration = 0x15,
    kQueueSelect = 0x16,
    kQueueSize = 0x18,
    kQueueVector = 0x1a,
    kQueueEnable = 0x1c,
    kQueueNotifyOffset = 0x1e,
    kQueueDescriptors = 0x20,
    kQueueDriver = 0x28,
    kQueueDevice = 0x30,
    kSize = 0x38,
};
} // namespace common

} // namespace ashlar::virtio
