// Scattered guest memory as one run of bytes: what a driver gives a device as a list of buffers.
#pragma once

#include <cstdint>
#include <span>

#include "jit/guest_memory.h"
#include "lib/bytes.h"

namespace ashlar::jit {

// One buffer, wholly in guest memory: whoever makes one has checked that.
struct Segment {
    GuestPhysicalAddress address;
    std::uint32_t length;
};

// A position in the bytes of a list of segments, which outlives it. Copies are whole or an error value: then
// neither a byte nor the position has moved.
class SegmentCursor {
public:
    explicit SegmentCursor(std::span<const Segment> segments) : segments_(segments) {
        for (const Segment& segment : segments)
            remaining_ += segment.length;
    }
    // Bytes from here to the end.
    std::uint64_t remaining() const { return remaining_; }

    // The longest contiguous run from here on, at most `limit` bytes; advances over it. An empty result means
    // the end, or a limit of 0.
    Segment next(std::uint64_t limit);
    // To the end when there are fewer bytes.
    void skip(std::uint64_t bytes);

    // Gathers what is here, and advances. OutOfRange when fewer bytes remain.
    Status read(GuestMemory& memory, MutableBytes to);
    // Scatters likewise.
    Status write(GuestMemory& memory, Bytes from);

private:
    std::span<const Segment> segments_;
    std::uint32_t offset_ = 0; // into the first segment
    std::uint64_t remaining_ = 0;
};

} // namespace ashlar::jit
