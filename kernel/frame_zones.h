// The runs of frames that the frame allocator has, and what it knows of each frame.
#pragma once

#include <array>
#include <span>

#include "kernel/boot_information.h"
#include "kernel/frame_allocator.h"
#include "kernel/usable_memory.h"
#include "lib/format.h"

namespace ashlar::kernel {

// What begins at a frame.
namespace frame_state {
constexpr std::uint8_t kInside = 0xff; // nothing: it lies within a block
constexpr std::uint8_t kFree = 0x80;   // and the order: a free block
constexpr std::uint8_t kCached = 0x40; // one free frame in a CPU's cache
// Else an allocated block of that order.
} // namespace frame_state

// A run of frames of one node.
struct FrameZone {
    std::uint64_t begin, end;     // frame numbers
    std::uint8_t* states;         // one for each frame
    const MemoryAccount** owners; // likewise; null unless frames are checked (kernel/frame_checks.h)
    NodeId node;

    bool contains(std::uint64_t frame) const { return frame - begin < end - begin; }
    // Other CPUs may look at it at the same time.
    std::uint8_t state(std::uint64_t frame) const {
        return __atomic_load_n(&states[frame - begin], __ATOMIC_RELAXED);
    }
    void set_state(std::uint64_t frame, std::uint8_t state) const {
        __atomic_store_n(&states[frame - begin], state, __ATOMIC_RELAXED);
    }
    // The last owner of a block; null when it had none yet.
    const MemoryAccount* owner(std::uint64_t frame) const { return owners[frame - begin]; }
    void set_owner(std::uint64_t frame, const MemoryAccount* owner) const { owners[frame - begin] = owner; }
};

class FrameZones {
public:
    // Cuts what is usable out of the firmware's ranges, whatever their order and overlap, and gives each
    // piece to the node that the topology says. The frames' states, and with `checked` their owners, take
    // room in it: at the less aligned end of the smallest piece of the same node that has it. Lines about
    // what cannot be used go to `diagnostics`. Once.
    void initialize(const BootInformation& boot, bool checked, Sink& diagnostics);

    // Ascending and disjoint.
    std::span<const FrameZone> all() const { return {zones_.data(), count_}; }
    // The one that has the frame; nullptr when it is not ours.
    const FrameZone* find(std::uint64_t frame) const;

private:
    // A run ends where a usable range ends or something that is taken begins, and is cut where a range of the
    // topology begins or ends: no map of these lengths makes more.
    static constexpr std::size_t kMaxZones = BootInformation::kMaxRanges +
                                             (BootInformation::kMaxRanges + kFixedRuns) +
                                             2 * NumaTopology::kMaxRanges;

    void add(std::uint64_t begin, std::uint64_t end, NodeId node);
    void add_by_node(const NumaTopology& topology, std::uint64_t begin, std::uint64_t end);
    void give_up(NodeId node, std::uint64_t frames, Sink& diagnostics);
    void make_books(NodeId node, bool checked, Sink& diagnostics);

    std::array<FrameZone, kMaxZones> zones_{};
    std::size_t count_ = 0;
    std::uint64_t ownerless_ = 0; // frames that no range of the topology has
};

} // namespace ashlar::kernel
