#include "drivers/virtio/guest_queue.h"

#include <bit>

#include "drivers/virtio/queue.h"

namespace ashlar::virtio {
namespace {

constexpr std::size_t kEventSize = 2;

} // namespace

struct GuestQueue::Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags, next;
};

Status GuestQueue::enable(GuestWindow& window, const QueueAddresses& queue, std::uint64_t features) {
    disable();
    const std::uint64_t size = queue.size;
    if (size == 0 || size > kMaxSize || !std::has_single_bit(size))
        return Error::Malformed;
    if (queue.descriptors % 16 != 0 || queue.driver % 2 != 0 || queue.device % 4 != 0)
        return Error::Malformed;
    if (!window.contains(queue.descriptors, descriptor::kSize * size) ||
        !window.contains(queue.driver, split_ring::kHeader + split_ring::kDriverEntry * size + kEventSize) ||
        !window.contains(queue.device, split_ring::kHeader + split_ring::kUsedElement * size + kEventSize))
        return Error::Malformed;
    window_ = &window;
    queue_ = queue;
    size_ = queue.size;
    indirect_ = (features & feature::kIndirect) != 0;
    event_index_ = (features & feature::kEventIndex) != 0;
    taken_ = returned_ = signalled_ = 0;
    held_ = {};
    return {};
}

// Asks for a notification. True when the driver was faster.
bool GuestQueue::look_for_more() {
    if (!event_index_)
        return false;
    std::byte* const event =
        window_->at(queue_.device + split_ring::kHeader + split_ring::kUsedElement * size_);
    if (load_shared<std::uint16_t>(event) != taken_)
        store_shared(event, taken_);
    full_barrier();
    return load_shared<std::uint16_t>(window_->at(queue_.driver + split_ring::kIndexField)) != taken_;
}

Result<std::optional<GuestChain>> GuestQueue::pop() {
    ASHLAR_ASSERT(enabled());
    const std::byte* const index = window_->at(queue_.driver + split_ring::kIndexField);
    auto waiting = static_cast<std::uint16_t>(load_shared<std::uint16_t>(index) - taken_);
    if (waiting == 0) {
        if (!look_for_more())
            return std::optional<GuestChain>{};
        waiting = static_cast<std::uint16_t>(load_shared<std::uint16_t>(index) - taken_);
    }
    // No more can be offered than the driver has descriptors that it has not given away.
    const auto outstanding = static_cast<std::uint16_t>(taken_ - returned_);
    if (waiting > size_ - outstanding)
        return Error::Malformed;
    const std::uint64_t entry = taken_ & (size_ - 1u);
    const auto head = load_shared<std::uint16_t>(
        window_->at(queue_.driver + split_ring::kHeader + split_ring::kDriverEntry * entry));
    if (head >= size_)
        return Error::Malformed;
    std::uint64_t& heads = held_[head / 64];
    const std::uint64_t mark = std::uint64_t{1} << head % 64;
    if ((heads & mark) != 0)
        return Error::Malformed;
    ASHLAR_TRY(collect(head));
    heads |= mark;
    ++taken_;
    const std::span<const GuestSegment> all(segments_.data(), segment_count_);
    return std::optional(GuestChain{head, all.first(readable_count_), all.subspan(readable_count_)});
}

// Copied, so that it is checked and used as one and the same.
GuestQueue::Descriptor GuestQueue::load(std::uint64_t table, std::uint32_t index) {
    const auto raw = window_->copy<descriptor::kSize>(table + descriptor::kSize * index);
    return {load_le<std::uint64_t>(raw.data()), load_le<std::uint32_t>(raw.data() + descriptor::kLengthField),
            load_le<std::uint16_t>(raw.data() + descriptor::kFlagsField),
            load_le<std::uint16_t>(raw.data() + descriptor::kNextField)};
}

// The number of segments bounds the walk: a loop ends as a chain that is too long.
Status GuestQueue::collect(std::uint16_t head) {
    std::uint64_t table = queue_.descriptors;
    std::uint32_t entries = size_, index = head;
    bool in_table = false;
    segment_count_ = readable_count_ = 0;
    for (;;) {
        if (index >= entries)
            return Error::Malformed;
        const Descriptor next = load(table, index);
        if ((next.flags & descriptor::kIndirect) != 0) {
            // One table, which ends the chain (2.7.5.3.1), of whole entries, no longer than the queue.
            if (!indirect_ || in_table || (next.flags & descriptor::kNext) != 0 || next.length == 0 ||
                next.length % descriptor::kSize != 0 || next.length > descriptor::kSize * size_ ||
                !window_->contains(next.address, next.length))
                return Error::Malformed;
            table = next.address;
            entries = static_cast<std::uint32_t>(next.length / descriptor::kSize);
            index = 0;
            in_table = true;
            continue;
        }
        ASHLAR_TRY(add(next));
        if ((next.flags & descriptor::kNext) == 0)
            return {};
        index = next.next;
    }
}

Status GuestQueue::add(const Descriptor& descriptor) {
    const bool writable = (descriptor.flags & descriptor::kWrite) != 0;
    if (segment_count_ == size_ || !window_->contains(descriptor.address, descriptor.length))
        return Error::Malformed;
    if (!writable && readable_count_ != segment_count_)
        return Error::Malformed; // what the device reads comes first (2.7.4.2)
    segments_[segment_count_++] = {descriptor.address, descriptor.length};
    if (!writable)
        readable_count_ = segment_count_;
    return {};
}

// Whatever the driver has done to its ring, the index is ours.
void GuestQueue::push(std::uint16_t head, std::uint32_t written) {
    ASHLAR_ASSERT(enabled() && (held_[head / 64] >> head % 64 & 1) != 0);
    const std::uint64_t element =
        queue_.device + split_ring::kHeader + split_ring::kUsedElement * (returned_ & (size_ - 1u));
    store_shared(window_->at(element), std::uint32_t{head});
    store_shared(window_->at(element + 4), written);
    held_[head / 64] &= ~(std::uint64_t{1} << head % 64);
    ++returned_;
    store_shared(window_->at(queue_.device + split_ring::kIndexField), returned_);
}

bool GuestQueue::interrupt_wanted() {
    const std::uint16_t before = signalled_;
    signalled_ = returned_;
    if (before == returned_)
        return false;
    full_barrier();
    if (event_index_) {
        const std::uint64_t event = queue_.driver + split_ring::kHeader + split_ring::kDriverEntry * size_;
        return split_ring::passes(load_shared<std::uint16_t>(window_->at(event)), before, returned_);
    }
    return (load_shared<std::uint16_t>(window_->at(queue_.driver)) & split_ring::kNoInterrupt) == 0;
}

} // namespace ashlar::virtio
