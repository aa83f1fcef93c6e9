#include "drivers/virtio/split_queue.h"

#include <bit>

namespace ashlar::virtio {
namespace {

using split_ring::kNoInterrupt, split_ring::kNoNotification, split_ring::passes;

constexpr std::size_t kRingHeader = split_ring::kHeader, kUsedElement = split_ring::kUsedElement;

} // namespace

// Descriptors, the driver's ring, the device's ring (on a page of its own), tables of indirect descriptors.
struct SplitQueue::Layout {
    explicit Layout(std::size_t size)
        : driver(descriptor::kSize * size),
          device((driver + kRingHeader + 2 * size + 2 + 63) & ~std::size_t{63}),
          tables((device + kRingHeader + kUsedElement * size + 2 + 63) & ~std::size_t{63}),
          end(tables + kMaxPieces * descriptor::kSize * size) {}
    std::size_t driver, device, tables, end;
};

std::size_t SplitQueue::memory_size(std::uint16_t size) {
    return Layout(size).end;
}

SplitQueue::SplitQueue(std::uint16_t size, const DmaBlock& memory, std::uint64_t features)
    : Queue(size),
      memory_(memory),
      indirect_((features & feature::kIndirect) != 0),
      event_index_((features & feature::kEventIndex) != 0),
      free_count_(size) {
    ASHLAR_ASSERT(size != 0 && size <= kMaxSize && std::has_single_bit(size) &&
                  memory.size >= memory_size(size));
    for (std::uint16_t i = 0; i < size; ++i)
        next_free_[i] = static_cast<std::uint16_t>(i + 1);
    if (!event_index_)
        store_le(memory_.at + Layout(size).driver, kNoInterrupt);
}

QueueAddresses SplitQueue::addresses() const {
    const Layout layout(size_);
    return {size_, memory_.address, memory_.address + layout.driver, memory_.address + layout.device};
}

void SplitQueue::fill(std::byte* table, std::size_t index, const Piece& piece,
                      std::optional<std::uint16_t> next) {
    std::byte* const at = table + descriptor::kSize * index;
    const std::uint16_t flags = static_cast<std::uint16_t>((piece.device_writes ? descriptor::kWrite : 0) |
                                                           (next ? descriptor::kNext : 0));
    store_le(at, piece.address);
    store_le(at + 8, piece.length);
    store_le(at + 12, flags);
    store_le(at + 14, next.value_or(0));
}

void SplitQueue::add_indirect(std::uint16_t head, std::span<const Piece> pieces) {
    const std::size_t offset = Layout(size_).tables + kMaxPieces * descriptor::kSize * head;
    for (std::size_t i = 0; i < pieces.size(); ++i)
        fill(memory_.at + offset, i, pieces[i],
             i + 1 < pieces.size() ? std::optional(static_cast<std::uint16_t>(i + 1)) : std::nullopt);
    std::byte* const at = descriptor_at(head);
    store_le(at, memory_.address + offset);
    store_le(at + 8, static_cast<std::uint32_t>(descriptor::kSize * pieces.size()));
    store_le(at + 12, descriptor::kIndirect);
    store_le(at + 14, std::uint16_t{0});
}

void SplitQueue::add_chain(std::uint16_t head, std::span<const Piece> pieces) {
    std::uint16_t index = head;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const std::uint16_t next = next_free_[index];
        fill(memory_.at, index, pieces[i], i + 1 < pieces.size() ? std::optional(next) : std::nullopt);
        index = next;
    }
}

Status SplitQueue::add(std::span<const Piece> pieces, std::uint16_t tag) {
    ASHLAR_ASSERT(!pieces.empty() && pieces.size() <= kMaxPieces && tag < size_);
    const bool indirect = indirect_ && pieces.size() > 1;
    const auto count = static_cast<std::uint16_t>(indirect ? 1 : pieces.size());
    if (free_count_ < count)
        return Error::Busy;
    const std::uint16_t head = first_free_;
    indirect ? add_indirect(head, pieces) : add_chain(head, pieces);
    for (std::uint16_t i = 0; i < count; ++i)
        first_free_ = next_free_[first_free_];
    free_count_ = static_cast<std::uint16_t>(free_count_ - count);
    occupy(head, tag, count, pieces);

    std::byte* const ring = memory_.at + Layout(size_).driver;
    store_le(ring + kRingHeader + 2 * (available_ & (size_ - 1u)), head);
    ++available_;
    store_shared(ring + 2, available_);
    return {};
}

bool SplitQueue::notification_wanted() {
    if (available_ == notified_)
        return false;
    full_barrier();
    const std::byte* const ring = memory_.at + Layout(size_).device;
    const std::uint16_t before = notified_;
    notified_ = available_;
    if (event_index_)
        return passes(load_shared<std::uint16_t>(ring + kRingHeader + kUsedElement * size_), before,
                      available_);
    return (load_shared<std::uint16_t>(ring) & kNoNotification) == 0;
}

Result<std::optional<Used>> SplitQueue::take() {
    const std::byte* const ring = memory_.at + Layout(size_).device;
    const auto returned = load_shared<std::uint16_t>(ring + 2);
    const auto waiting = static_cast<std::uint16_t>(returned - used_);
    if (waiting == 0)
        return std::optional<Used>{};
    if (waiting > in_flight_)
        return Error::Malformed;
    const std::byte* const element = ring + kRingHeader + kUsedElement * (used_ & (size_ - 1u));
    const auto head = load_le<std::uint32_t>(element);
    const Used used = ASHLAR_TRY(release(head, load_le<std::uint32_t>(element + 4)));
    ++used_;
    // The chain goes back as a whole: its links are ours, not those in the device's reach.
    const std::uint16_t count = slots_[head].descriptors;
    auto last = static_cast<std::uint16_t>(head);
    for (std::uint16_t i = 1; i < count; ++i)
        last = next_free_[last];
    next_free_[last] = first_free_;
    first_free_ = static_cast<std::uint16_t>(head);
    free_count_ = static_cast<std::uint16_t>(free_count_ + count);
    return std::optional<Used>{used};
}

bool SplitQueue::arm_interrupt() {
    const Layout layout(size_);
    std::byte* const driver = memory_.at + layout.driver;
    if (event_index_)
        store_shared(driver + kRingHeader + 2 * size_, used_);
    else
        store_shared(driver, std::uint16_t{0});
    full_barrier();
    return load_shared<std::uint16_t>(memory_.at + layout.device + 2) == used_;
}

} // namespace ashlar::virtio
