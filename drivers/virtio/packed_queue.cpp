#include "drivers/virtio/packed_queue.h"

namespace ashlar::virtio {
namespace {

constexpr std::uint16_t kAvailable = 1 << 7, kUsed = 1 << 15;
constexpr std::size_t kLengthField = 8, kNumberField = 12, kFlagsField = 14, kEventSize = 4;
// What an event suppression structure says (2.8.10).
constexpr std::uint16_t kEnable = 0, kDisable = 1, kAtDescriptor = 2;
constexpr std::uint16_t kEventWrap = 1 << 15;

// The bits that make a descriptor available at this turn around the ring.
constexpr std::uint16_t availability(bool wrap) {
    return wrap ? kAvailable : kUsed;
}

} // namespace

// Descriptors, the driver's and the device's event suppression, tables of indirect descriptors.
struct PackedQueue::Layout {
    explicit Layout(std::size_t size)
        : driver(descriptor::kSize * size),
          device(driver + 64),
          tables(device + 64),
          end(tables + kMaxPieces * descriptor::kSize * size) {}
    std::size_t driver, device, tables, end;
};

std::size_t PackedQueue::memory_size(std::uint16_t size) {
    return Layout(size).end;
}

PackedQueue::PackedQueue(std::uint16_t size, const DmaBlock& memory, std::uint64_t features)
    : Queue(size),
      memory_(memory),
      indirect_((features & feature::kIndirect) != 0),
      event_index_((features & feature::kEventIndex) != 0),
      free_number_count_(size),
      free_descriptors_(size) {
    static_assert(kEventSize <= 64);
    ASHLAR_ASSERT(size != 0 && size <= kMaxSize && memory.size >= memory_size(size));
    for (std::uint16_t i = 0; i < size; ++i)
        free_numbers_[i] = static_cast<std::uint16_t>(size - 1 - i);
    store_le(memory_.at + Layout(size).driver + 2, kDisable);
}

QueueAddresses PackedQueue::addresses() const {
    const Layout layout(size_);
    return {size_, memory_.address, memory_.address + layout.driver, memory_.address + layout.device};
}

void PackedQueue::add_indirect(std::uint16_t number, std::span<const Piece> pieces) {
    const std::size_t offset = Layout(size_).tables + kMaxPieces * descriptor::kSize * number;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        std::byte* const at = memory_.at + offset + descriptor::kSize * i;
        store_le(at, pieces[i].address);
        store_le(at + kLengthField, pieces[i].length);
        store_le(at + kNumberField, std::uint16_t{0});
        store_le(at + kFlagsField,
                 static_cast<std::uint16_t>(pieces[i].device_writes ? descriptor::kWrite : 0));
    }
    std::byte* const at = descriptor_at(available_.index);
    store_le(at, memory_.address + offset);
    store_le(at + kLengthField, static_cast<std::uint32_t>(descriptor::kSize * pieces.size()));
    store_le(at + kNumberField, number);
    store_shared(at + kFlagsField,
                 static_cast<std::uint16_t>(descriptor::kIndirect | availability(available_.wrap)));
}

// The first descriptor becomes available last: with it the whole chain does.
void PackedQueue::add_chain(std::uint16_t number, std::span<const Piece> pieces) {
    Position position = available_;
    std::uint16_t first_flags = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        std::byte* const at = descriptor_at(position.index);
        store_le(at, pieces[i].address);
        store_le(at + kLengthField, pieces[i].length);
        store_le(at + kNumberField, number);
        const auto flags = static_cast<std::uint16_t>((pieces[i].device_writes ? descriptor::kWrite : 0) |
                                                      (i + 1 < pieces.size() ? descriptor::kNext : 0) |
                                                      availability(position.wrap));
        if (i == 0)
            first_flags = flags;
        else
            store_le(at + kFlagsField, flags);
        position.advance(1, size_);
    }
    store_shared(descriptor_at(available_.index) + kFlagsField, first_flags);
}

Status PackedQueue::add(std::span<const Piece> pieces, std::uint16_t tag) {
    ASHLAR_ASSERT(!pieces.empty() && pieces.size() <= kMaxPieces && tag < size_);
    const bool indirect = indirect_ && pieces.size() > 1;
    const auto count = static_cast<std::uint16_t>(indirect ? 1 : pieces.size());
    if (free_descriptors_ < count || free_number_count_ == 0)
        return Error::Busy;
    const std::uint16_t number = free_numbers_[--free_number_count_];
    occupy(number, tag, count, pieces);
    indirect ? add_indirect(number, pieces) : add_chain(number, pieces);
    free_descriptors_ = static_cast<std::uint16_t>(free_descriptors_ - count);
    available_.advance(count, size_);
    added_ = static_cast<std::uint16_t>(added_ + count);
    return {};
}

bool PackedQueue::notification_wanted() {
    if (added_ == 0)
        return false;
    full_barrier();
    const auto event = load_shared<std::uint32_t>(memory_.at + Layout(size_).device);
    const std::uint16_t count = added_;
    added_ = 0;
    const auto flags = static_cast<std::uint16_t>(event >> 16 & 3);
    if (flags != kAtDescriptor || !event_index_)
        return flags != kDisable;
    // How far behind the position that the next request will have the descriptor lies.
    const bool wrap = (event & kEventWrap) != 0;
    const int place = static_cast<int>(event & 0x7fff) - (wrap != available_.wrap ? size_ : 0);
    const int behind = static_cast<int>(available_.index) - place;
    return behind > 0 && behind <= count;
}

bool PackedQueue::returned_at(const Position& position) const {
    const auto flags = load_shared<std::uint16_t>(descriptor_at(position.index) + kFlagsField);
    const std::uint16_t both = position.wrap ? kAvailable | kUsed : 0;
    return (flags & (kAvailable | kUsed)) == both;
}

Result<std::optional<Used>> PackedQueue::take() {
    if (in_flight_ == 0 || !returned_at(used_))
        return std::optional<Used>{};
    const std::byte* const at = descriptor_at(used_.index);
    const auto number = load_le<std::uint16_t>(at + kNumberField);
    const auto flags = load_le<std::uint16_t>(at + kFlagsField);
    // The length counts only when the device says that it has written (2.8.4).
    const std::uint32_t written =
        (flags & descriptor::kWrite) != 0 ? load_le<std::uint32_t>(at + kLengthField) : 0;
    const Used used = ASHLAR_TRY(release(number, written));
    const std::uint16_t count = slots_[number].descriptors;
    free_numbers_[free_number_count_++] = number;
    free_descriptors_ = static_cast<std::uint16_t>(free_descriptors_ + count);
    used_.advance(count, size_);
    return std::optional<Used>{used};
}

bool PackedQueue::arm_interrupt() {
    std::byte* const driver = memory_.at + Layout(size_).driver;
    if (event_index_) {
        const auto place = static_cast<std::uint16_t>(used_.index | (used_.wrap ? kEventWrap : 0));
        store_shared(driver, static_cast<std::uint32_t>(place | std::uint32_t{kAtDescriptor} << 16));
    } else {
        store_shared(driver, std::uint32_t{kEnable} << 16);
    }
    full_barrier();
    return in_flight_ == 0 || !returned_at(used_);
}

} // namespace ashlar::virtio
