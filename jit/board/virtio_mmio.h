// The virtio MMIO transport, version 2 (non-legacy). Specification: Virtio 1.2, section 4.2.
#pragma once

#include <array>
#include <cstdint>

#include "jit/board/virtqueue.h"
#include "jit/board/wires.h"
#include "jit/bus.h"
#include "jit/guest_memory.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

// What the transport itself offers, as it belongs to it and to the queues.
constexpr std::uint64_t kTransportFeatures =
    virtio::feature::kIndirect | virtio::feature::kEventIndex | virtio::feature::kVersion1;

// Hears of requests whose buffers go back to the driver.
class UsedBuffers {
public:
    // `written` bytes were stored in its writable part.
    virtual void used(std::uint16_t head, std::uint32_t written) = 0;

protected:
    ~UsedBuffers() = default;
};

// A kind of device behind the transport, with one queue. Requests may take their time; what the guest does
// meanwhile to the rings does not change them.
class VirtioDevice {
public:
    virtual std::uint32_t device_id() const = 0;
    virtual std::uint64_t features() const = 0; // without the transport's
    // The device-specific configuration, read-only to the driver.
    virtual Bytes configuration() const = 0;
    // The driver has accepted `features`.
    virtual void start(std::uint64_t features) = 0;

    virtual std::uint16_t largest_queue() const { return Virtqueue::kMaxSize; }
    // Null, or who serves the queue; of what follows then only abandon() is called.
    virtual QueueServer* queue_server() { return nullptr; }

    // Whether begin() may be called; when not, poll() makes room.
    virtual bool has_room() const = 0;
    // Whether requests are in flight.
    virtual bool busy() const = 0;
    // Begins a request; `chain` is valid during the call. What can be done at once is done, and told to
    // `used`; the rest gets going with poll(). Malformed when the request breaks the protocol so badly that
    // only a reset helps.
    virtual Status begin(GuestMemory& memory, const Chain& chain, UsedBuffers& used) = 0;
    // Tells what has been completed.
    virtual void poll(GuestMemory& memory, UsedBuffers& used) = 0;
    // Waits until nothing is in flight, and forgets it.
    virtual void abandon() = 0;

protected:
    ~VirtioDevice() = default;
};

// One slot of the board.
class VirtioMmio final : public MmioDevice, private UsedBuffers {
public:
    // `device` may be null: an empty slot, whose DeviceID is 0.
    VirtioMmio(GuestMemory& memory, InterruptWire wire, VirtioDevice* device)
        : memory_(&memory), wire_(wire), device_(device) {}

    // Control registers take aligned 4-byte accesses, the configuration any width; others read 0.
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
    Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

    // Waits for requests in flight; they do not touch guest memory afterwards.
    void reset();
    // Whether requests are in flight; then poll() has to be called from time to time.
    bool busy() const;
    void poll();

    std::uint64_t requests() const { return requests_; }
    std::uint64_t notifications() const { return notifications_; }

private:
    std::uint32_t read_register(std::uint64_t offset) const;
    std::uint64_t read_configuration(std::uint64_t offset, unsigned width) const;
    void write_register(std::uint64_t offset, std::uint32_t value);
    void write_queue_register(std::uint64_t offset, std::uint32_t value);
    void write_status(std::uint32_t value);
    void accept_features();
    void set_queue_ready(bool ready);
    void notified();
    void serve();
    Result<bool> serve_queue();
    Status attach_server(QueueServer& server);
    Result<bool> look_at_served();
    void used(std::uint16_t head, std::uint32_t written) override;
    void raise(std::uint32_t cause);
    void need_reset();
    std::uint64_t offered_features() const { return device_->features() | kTransportFeatures; }

    GuestMemory* memory_;
    InterruptWire wire_;
    VirtioDevice* device_;
    Virtqueue queue_;
    Virtqueue::Layout layout_;
    std::uint64_t driver_features_ = 0;
    std::uint32_t device_features_select_ = 0, driver_features_select_ = 0, queue_select_ = 0;
    std::uint32_t status_ = 0, interrupt_status_ = 0;
    std::uint64_t requests_ = 0, notifications_ = 0;
};

} // namespace ashlar::jit::board
