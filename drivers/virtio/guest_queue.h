// The device's side of a VM's split virtqueue, for shadowing. The driver is not trusted: what it says is read
// once, and checked before use. Specification: Virtio 1.2, section 2.7.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "drivers/virtio/guest_window.h"
#include "drivers/virtio/transport.h"
#include "lib/result.h"

namespace ashlar::virtio {

// Of guest-physical memory, within RAM.
struct GuestSegment {
    std::uint64_t address;
    std::uint32_t length;
};

// A request as the driver has described it: what it lets the device read, then what it lets it write.
struct GuestChain {
    std::uint16_t head = 0; // its name
    std::span<const GuestSegment> readable, writable;
};

class GuestQueue {
public:
    static constexpr std::uint16_t kMaxSize = 128;

    // Begins anew. `queue` is what the driver has set up, with the features that it has accepted. Malformed
    // when the size is no power of two up to kMaxSize, or a part is not aligned or not in RAM.
    Status enable(GuestWindow& window, const QueueAddresses& queue, std::uint64_t features);
    void disable() { window_ = nullptr; }
    bool enabled() const { return window_ != nullptr; }
    std::uint16_t size() const { return size_; }

    // The next request, or nothing; the driver then notifies when there is one. Malformed when the driver has
    // broken the rules: nothing more can be had before the queue begins anew. The chain is valid until the
    // next call. Looks at no more descriptors than the queue has, and one.
    Result<std::optional<GuestChain>> pop();
    // Gives a request back. `written` counts the bytes of its writable part that were stored.
    void push(std::uint16_t head, std::uint32_t written);
    // Whether the driver wants to hear of what was pushed since the last call.
    bool interrupt_wanted();

private:
    struct Descriptor;
    Descriptor load(std::uint64_t table, std::uint32_t index);
    Status collect(std::uint16_t head);
    Status add(const Descriptor& descriptor);
    bool look_for_more();

    GuestWindow* window_ = nullptr;
    QueueAddresses queue_{};
    std::uint16_t size_ = 0;
    bool indirect_ = false, event_index_ = false;
    std::uint16_t taken_ = 0, returned_ = 0, signalled_ = 0; // indices, which wrap
    std::array<std::uint64_t, kMaxSize / 64> held_{};        // heads that the driver has not got back
    std::array<GuestSegment, kMaxSize> segments_;
    std::size_t segment_count_ = 0, readable_count_ = 0;
};

} // namespace ashlar::virtio
