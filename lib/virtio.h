// Numbers of the virtio specification that its drivers, its devices and the shadowed rings share.
// Specification: Virtio 1.2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::virtio {

// Bits of the device status (2.1).
namespace status {
constexpr std::uint8_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kNeedsReset = 64,
                       kFailed = 128;
}

// Feature bits of all devices (6).
namespace feature {
constexpr std::uint64_t kIndirect = std::uint64_t{1} << 28, kEventIndex = std::uint64_t{1} << 29,
                        kVersion1 = std::uint64_t{1} << 32, kAccessPlatform = std::uint64_t{1} << 33,
                        kPacked = std::uint64_t{1} << 34;
}

// Descriptors of both formats begin alike (2.7.5, 2.8.13).
namespace descriptor {
constexpr std::size_t kSize = 16, kLengthField = 8, kFlagsField = 12, kNextField = 14;
constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;
} // namespace descriptor

// The driver's and the device's ring of split queues (2.7.6, 2.7.8): flags, index, entries, event index.
namespace split_ring {
constexpr std::size_t kIndexField = 2, kHeader = 4, kDriverEntry = 2, kUsedElement = 8;
constexpr std::uint16_t kNoInterrupt = 1, kNoNotification = 1;

// Whether moving an index from `before` to `after` passes `event` (2.7.7.1).
constexpr bool passes(std::uint16_t event, std::uint16_t before, std::uint16_t after) {
    return static_cast<std::uint16_t>(after - event - 1) < static_cast<std::uint16_t>(after - before);
}
} // namespace split_ring

// Block devices (5.2).
namespace block {
// Feature bits (5.2.3).
constexpr std::uint64_t kSizeMax = 1 << 1, kSegmentMax = 1 << 2, kReadOnly = 1 << 5, kBlockSize = 1 << 6,
                        kFlush = 1 << 9, kTopology = 1 << 10, kMultiQueue = 1 << 12, kDiscard = 1 << 13,
                        kWriteZeroes = 1 << 14;

// Offsets in the configuration (5.2.4).
constexpr std::size_t kCapacityField = 0, kSizeMaxField = 8, kSegmentMaxField = 12, kBlockSizeField = 20,
                      kPhysicalExponentField = 24, kMinimumIoField = 26, kOptimalIoField = 28,
                      kQueuesField = 34, kDiscardSectorsField = 36, kDiscardSegmentsField = 40,
                      kDiscardAlignmentField = 44, kZeroSectorsField = 48, kZeroSegmentsField = 52,
                      kConfigurationSize = 60;

// Requests (5.2.6): a header of type, reserved, sector; data; a status.
enum Type : std::uint32_t {
    kRead = 0,
    kWrite = 1,
    kFlushRequest = 4,
    kGetId = 8,
    kDiscardRequest = 11,
    kWriteZeroesRequest = 13,
};
constexpr std::size_t kRequestHeader = 16, kSectorField = 8, kIdentityLength = 20, kRangeSize = 16;
constexpr std::uint32_t kUnmap = 1;
constexpr std::uint8_t kOk = 0, kIoError = 1, kUnsupportedRequest = 2;
constexpr std::uint64_t kSector = 512; // that all numbers of sectors count, whatever the block size
} // namespace block

} // namespace ashlar::virtio
