// The driver's side of a virtqueue. Nothing that the device writes is trusted: what it returns must be in
// flight, within the queue, and no longer than was offered.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "drivers/platform.h"
#include "drivers/virtio/transport.h"
#include "lib/bytes.h"

namespace ashlar::virtio {

// One buffer of a request, by the device's address.
struct Piece {
    std::uint64_t address;
    std::uint32_t length;
    bool device_writes;
};

// A request that the device has returned.
struct Used {
    std::uint16_t tag;
    std::uint32_t written; // at most the bytes that it could write
};

class Queue {
public:
    static constexpr std::uint16_t kMaxSize = 128;
    static constexpr std::size_t kMaxPieces = 32; // of a request

    virtual QueueAddresses addresses() const = 0;

    // Offers a request whose pieces that the device reads come first; at least one, at most kMaxPieces. `tag`
    // is below the queue's size and comes back with it. Busy when there is no room. The device may begin at
    // once.
    virtual Status add(std::span<const Piece> pieces, std::uint16_t tag) = 0;
    // Whether the device must be notified of what was added since the last call.
    virtual bool notification_wanted() = 0;
    // The next request that was returned, or nothing. Malformed when the device has broken the rules: the
    // queue is then of no use until it is created anew.
    virtual Result<std::optional<Used>> take() = 0;
    // Asks for an interrupt when the next request is returned; false when one was already.
    virtual bool arm_interrupt() = 0;

    std::uint16_t in_flight() const { return in_flight_; }

protected:
    explicit Queue(std::uint16_t size) : size_(size) {}
    ~Queue() = default;

    // A request in flight, by the number under which the device knows it.
    struct Slot {
        bool used = false;
        std::uint16_t tag = 0, descriptors = 0;
        std::uint64_t writable = 0; // bytes
    };
    void occupy(std::uint16_t number, std::uint16_t tag, std::uint16_t descriptors,
                std::span<const Piece> pieces);
    // What the device says it has returned; frees the slot.
    Result<Used> release(std::uint32_t number, std::uint32_t written);

    std::uint16_t size_;
    std::uint16_t in_flight_ = 0;
    std::array<Slot, kMaxSize> slots_{};
};

// Accesses to memory that the device accesses too.
template <std::unsigned_integral T>
T load_shared(const std::byte* at) {
    return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_ACQUIRE);
}
template <std::unsigned_integral T>
void store_shared(std::byte* at, T value) {
    __atomic_store_n(reinterpret_cast<T*>(at), value, __ATOMIC_RELEASE);
}
// Between a store and a load of something else, both seen by the device in that order.
inline void full_barrier() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

} // namespace ashlar::virtio
