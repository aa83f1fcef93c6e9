// The device's side of a split virtqueue in guest memory. Specification: Virtio 1.2, section 2.7.
// The driver is not trusted: every index, length and address is checked before use, and a ring that breaks
// the rules yields Malformed, after which the device asks for a reset.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "jit/guest_memory.h"
#include "jit/guest_segments.h"
#include "lib/bytes.h"
#include "lib/virtio.h"

namespace ashlar::jit::board {

// A request: buffers that the device reads, then buffers that it writes.
struct Chain {
    std::uint16_t head = 0;
    std::span<const Segment> readable, writable;
};

class Virtqueue {
public:
    static constexpr std::uint16_t kMaxSize = 256;

    // What the driver configures through the transport.
    struct Layout {
        std::uint16_t size = 0; // a power of two, at most kMaxSize
        GuestPhysicalAddress descriptors, driver, device;
    };

    // Starts at index 0. Malformed when the size, the alignment or the extent of a part is not allowed.
    Status enable(GuestMemory& memory, const Layout& layout);
    void disable() { enabled_ = false; }
    bool enabled() const { return enabled_; }
    void use_event_index(bool on) { event_index_ = on; }
    void allow_indirect(bool on) { indirect_ = on; }

    // The next request, or nothing when the driver has offered no more (in which case it will notify again).
    // The chain is valid until the next call. Requests are in flight from here until push(): as many as the
    // queue has entries, each with its own head.
    Result<std::optional<Chain>> pop(GuestMemory& memory);
    // Returns a request with `written` bytes stored in its writable part.
    Status push(GuestMemory& memory, std::uint16_t head, std::uint32_t written);
    // Of a queue that somebody else serves, with no pop() nor push(): whether requests are with them, and
    // what they have returned since the last call. Code in the memory that they wrote to counts as changed.
    // Malformed when that is more than the queue holds.
    bool outstanding(GuestMemory& memory) const;
    Result<unsigned> observe(GuestMemory& memory);
    // Whether the driver wants an interrupt for what was pushed since the last call.
    Result<bool> interrupt_wanted(GuestMemory& memory);

private:
    struct Descriptor {
        std::uint64_t address;
        std::uint32_t length;
        std::uint16_t flags, next;
    };
    static constexpr std::size_t kDescriptorSize = virtio::descriptor::kSize,
                                 kUsedElementSize = virtio::split_ring::kUsedElement,
                                 kRingHeader = virtio::split_ring::kHeader;

    Result<Chain> collect(GuestMemory& memory, std::uint16_t head);
    Status add_segment(GuestMemory& memory, const Descriptor& descriptor);
    static Result<Descriptor> load_descriptor(GuestMemory& memory, GuestPhysicalAddress table,
                                              std::uint32_t index);
    GuestPhysicalAddress used_event() const { return layout_.driver + kRingHeader + 2u * layout_.size; }
    GuestPhysicalAddress avail_event() const {
        return layout_.device + kRingHeader + kUsedElementSize * layout_.size;
    }

    Layout layout_;
    bool enabled_ = false, event_index_ = false, indirect_ = false;
    std::uint16_t next_available_ = 0; // index of the next entry of the driver's ring to take
    std::uint16_t next_used_ = 0;
    std::uint16_t signalled_used_ = 0; // next_used_ when interrupt_wanted() was last asked
    std::array<std::uint64_t, kMaxSize / 64> in_flight_{}; // a bit for each head
    std::array<Segment, kMaxSize> segments_{};
    std::size_t segment_count_ = 0, readable_count_ = 0;
};

} // namespace ashlar::jit::board
