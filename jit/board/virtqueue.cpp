#include "jit/board/virtqueue.h"

#include <atomic>
#include <bit>

namespace ashlar::jit::board {
namespace {

using virtio::split_ring::passes, virtio::split_ring::kNoInterrupt;

constexpr std::uint16_t kFlagNext = virtio::descriptor::kNext, kFlagWrite = virtio::descriptor::kWrite,
                        kFlagIndirect = virtio::descriptor::kIndirect;

} // namespace

Status Virtqueue::enable(GuestMemory& memory, const Layout& layout) {
    disable();
    const std::uint64_t size = layout.size;
    if (size == 0 || size > kMaxSize || !std::has_single_bit(size))
        return Error::Malformed;
    if (!layout.descriptors.is_aligned(16) || !layout.driver.is_aligned(2) || !layout.device.is_aligned(4))
        return Error::Malformed;
    if (!memory.contains(layout.descriptors, kDescriptorSize * size) ||
        !memory.contains(layout.driver, kRingHeader + 2 * size + 2) ||
        !memory.contains(layout.device, kRingHeader + kUsedElementSize * size + 2))
        return Error::Malformed;
    layout_ = layout;
    next_available_ = next_used_ = signalled_used_ = 0;
    in_flight_ = {};
    enabled_ = true;
    return {};
}

Result<std::optional<Chain>> Virtqueue::pop(GuestMemory& memory) {
    for (;;) {
        const auto offered = ASHLAR_TRY(memory.load<std::uint16_t>(layout_.driver + 2));
        const auto waiting = static_cast<std::uint16_t>(offered - next_available_);
        const auto outstanding = static_cast<std::uint16_t>(next_available_ - next_used_);
        if (waiting > layout_.size - outstanding)
            return Error::Malformed;
        if (waiting != 0)
            break;
        if (!event_index_)
            return std::optional<Chain>{};
        // Ask for a notification, then look again in case the driver was faster.
        const auto asked = ASHLAR_TRY(memory.load<std::uint16_t>(avail_event()));
        if (asked == next_available_)
            return std::optional<Chain>{};
        ASHLAR_TRY(memory.store(avail_event(), next_available_));
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t entry = next_available_ & (layout_.size - 1u);
    const auto head = ASHLAR_TRY(memory.load<std::uint16_t>(layout_.driver + kRingHeader + 2 * entry));
    const Chain chain = ASHLAR_TRY(collect(memory, head));
    std::uint64_t& heads = in_flight_[head / 64];
    const std::uint64_t mark = std::uint64_t{1} << head % 64;
    if ((heads & mark) != 0)
        return Error::Malformed; // the device has not returned it yet
    heads |= mark;
    ++next_available_;
    return std::optional<Chain>{chain};
}

Result<Virtqueue::Descriptor> Virtqueue::load_descriptor(GuestMemory& memory, GuestPhysicalAddress table,
                                                         std::uint32_t index) {
    std::array<std::byte, kDescriptorSize> raw;
    ASHLAR_TRY(memory.read(table + kDescriptorSize * index, raw));
    return Descriptor{load_le<std::uint64_t>(raw.data()), load_le<std::uint32_t>(raw.data() + 8),
                      load_le<std::uint16_t>(raw.data() + 12), load_le<std::uint16_t>(raw.data() + 14)};
}

// The number of segments bounds the walk, so a loop ends as a chain that is too long.
Status Virtqueue::add_segment(GuestMemory& memory, const Descriptor& descriptor) {
    const GuestPhysicalAddress address(descriptor.address);
    const bool writable = (descriptor.flags & kFlagWrite) != 0;
    if (segment_count_ == layout_.size || !memory.contains(address, descriptor.length))
        return Error::Malformed;
    if (!writable && readable_count_ != segment_count_)
        return Error::Malformed; // device-readable after device-writable (2.7.4.2)
    segments_[segment_count_++] = {address, descriptor.length};
    if (!writable)
        readable_count_ = segment_count_;
    return {};
}

Result<Chain> Virtqueue::collect(GuestMemory& memory, std::uint16_t head) {
    GuestPhysicalAddress table = layout_.descriptors;
    std::uint32_t entries = layout_.size, index = head;
    bool in_indirect_table = false;
    segment_count_ = readable_count_ = 0;
    for (;;) {
        if (index >= entries)
            return Error::Malformed;
        const Descriptor descriptor = ASHLAR_TRY(load_descriptor(memory, table, index));
        if ((descriptor.flags & kFlagIndirect) != 0) {
            // One table that ends the chain (2.7.5.3.1), of whole entries, not longer than the queue.
            const std::uint32_t length = descriptor.length;
            if (!indirect_ || in_indirect_table || (descriptor.flags & kFlagNext) != 0 || length == 0 ||
                length % kDescriptorSize != 0 || length / kDescriptorSize > layout_.size ||
                !memory.contains(GuestPhysicalAddress(descriptor.address), length))
                return Error::Malformed;
            table = GuestPhysicalAddress(descriptor.address);
            entries = static_cast<std::uint32_t>(length / kDescriptorSize);
            index = 0;
            in_indirect_table = true;
            continue;
        }
        ASHLAR_TRY(add_segment(memory, descriptor));
        if ((descriptor.flags & kFlagNext) == 0)
            break;
        index = descriptor.next;
    }
    const std::span<const Segment> all(segments_.data(), segment_count_);
    return Chain{head, all.first(readable_count_), all.subspan(readable_count_)};
}

Status Virtqueue::push(GuestMemory& memory, std::uint16_t head, std::uint32_t written) {
    const std::uint64_t entry = next_used_ & (layout_.size - 1u);
    const GuestPhysicalAddress element = layout_.device + kRingHeader + kUsedElementSize * entry;
    ASHLAR_TRY(memory.store(element, std::uint32_t{head}));
    ASHLAR_TRY(memory.store(element + 4, written));
    std::atomic_thread_fence(std::memory_order_release);
    in_flight_[head / 64] &= ~(std::uint64_t{1} << head % 64);
    ++next_used_;
    return memory.store(layout_.device + 2, next_used_);
}

bool Virtqueue::outstanding(GuestMemory& memory) const {
    const auto offered = memory.load<std::uint16_t>(layout_.driver + 2);
    return offered.ok() && offered.value() != next_used_;
}

// A driver that has changed a chain meanwhile has spoilt nothing but its own code.
Result<unsigned> Virtqueue::observe(GuestMemory& memory) {
    const auto returned = ASHLAR_TRY(memory.load<std::uint16_t>(layout_.device + 2));
    std::atomic_thread_fence(std::memory_order_acquire);
    const unsigned count = static_cast<std::uint16_t>(returned - next_used_);
    if (count > layout_.size)
        return Error::Malformed;
    for (; next_used_ != returned; ++next_used_) {
        const std::uint64_t entry = next_used_ & (layout_.size - 1u);
        const auto head =
            ASHLAR_TRY(memory.load<std::uint32_t>(layout_.device + kRingHeader + kUsedElementSize * entry));
        const Result<Chain> chain = collect(memory, static_cast<std::uint16_t>(head));
        if (chain.ok())
            for (const Segment& segment : chain.value().writable)
                memory.note_write(segment.address, segment.length);
    }
    return count;
}

Result<bool> Virtqueue::interrupt_wanted(GuestMemory& memory) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::uint16_t before = signalled_used_;
    signalled_used_ = next_used_;
    if (before == next_used_)
        return false;
    if (event_index_)
        return passes(ASHLAR_TRY(memory.load<std::uint16_t>(used_event())), before, next_used_);
    return (ASHLAR_TRY(memory.load<std::uint16_t>(layout_.driver)) & kNoInterrupt) == 0;
}

} // namespace ashlar::jit::board
