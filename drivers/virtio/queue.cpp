#include "drivers/virtio/queue.h"

namespace ashlar::virtio {

void Queue::occupy(std::uint16_t number, std::uint16_t tag, std::uint16_t descriptors,
                   std::span<const Piece> pieces) {
    Slot& slot = slots_[number];
    ASHLAR_ASSERT(!slot.used);
    slot = {true, tag, descriptors, 0};
    for (const Piece& piece : pieces)
        slot.writable += piece.device_writes ? piece.length : 0;
    ++in_flight_;
}

Result<Used> Queue::release(std::uint32_t number, std::uint32_t written) {
    if (number >= size_ || !slots_[number].used || written > slots_[number].writable)
        return Error::Malformed;
    slots_[number].used = false;
    --in_flight_;
    return Used{slots_[number].tag, written};
}

} // namespace ashlar::virtio
