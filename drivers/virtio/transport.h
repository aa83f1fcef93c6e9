// How a virtio device is reached. Specification: Virtio 1.2, sections 2.1 to 2.5 and 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "drivers/platform.h"
#include "lib/bytes.h"
#include "lib/virtio.h"

namespace ashlar::virtio {

enum class DeviceId : std::uint32_t { None = 0, Network = 1, Block = 2 };

// Where the parts of a queue are, for the device.
constexpr std::uint16_t kNoVector = 0xffff; // of MSI-X
struct QueueAddresses {
    std::uint16_t size;
    std::uint64_t descriptors, driver, device;
    std::uint16_t vector = kNoVector; // that says when something is done, where the transport has such
};

class Transport {
public:
    virtual DeviceId device_id() const = 0;
    virtual std::uint8_t read_status() = 0;
    // 0 resets; the reset is complete when read_status() returns 0.
    virtual void write_status(std::uint8_t status) = 0;
    virtual std::uint64_t offered_features() = 0;
    virtual void accept_features(std::uint64_t features) = 0;

    virtual std::uint16_t queue_count() = 0;
    // The largest size that queue `index` may have; 0: there is no such queue.
    virtual std::uint16_t largest_queue(std::uint16_t index) = 0;
    // Between the features and DRIVER_OK.
    virtual Status enable_queue(std::uint16_t index, const QueueAddresses& addresses) = 0;
    virtual void notify(std::uint16_t index) = 0;

    // The device-specific configuration, read as a whole that does not change meanwhile. OutOfRange when it
    // is shorter.
    virtual Status read_configuration(std::size_t offset, MutableBytes to) = 0;

protected:
    ~Transport() = default;
};

// How long a device may take to reset.
constexpr std::uint64_t kResetPatienceNs = 5'000'000'000;
// Resets the device (2.4.1) and waits until that is complete: it then accesses no memory. Io when it takes
// too long.
Status reset(Transport& transport, Platform& platform);

} // namespace ashlar::virtio
