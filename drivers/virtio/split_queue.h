// Split virtqueues. Specification: Virtio 1.2, section 2.7.
#pragma once

#include "drivers/virtio/queue.h"

namespace ashlar::virtio {

class SplitQueue final : public Queue {
public:
    static std::size_t memory_size(std::uint16_t size);

    // `size` is a power of two, at most kMaxSize. `memory` is zeroed, has memory_size(size) bytes and
    // outlives the queue, and the device's use of it. `features` were negotiated.
    SplitQueue(std::uint16_t size, const DmaBlock& memory, std::uint64_t features);

    QueueAddresses addresses() const override;
    Status add(std::span<const Piece> pieces, std::uint16_t tag) override;
    bool notification_wanted() override;
    Result<std::optional<Used>> take() override;
    bool arm_interrupt() override;

private:
    struct Layout;
    std::byte* descriptor_at(std::uint16_t index) const { return memory_.at + descriptor::kSize * index; }
    void fill(std::byte* table, std::size_t index, const Piece& piece, std::optional<std::uint16_t> next);
    void add_indirect(std::uint16_t head, std::span<const Piece> pieces);
    void add_chain(std::uint16_t head, std::span<const Piece> pieces);

    DmaBlock memory_;
    bool indirect_, event_index_;
    std::array<std::uint16_t, kMaxSize> next_free_; // of descriptors that are free, or in a chain
    std::uint16_t first_free_ = 0, free_count_;
    std::uint16_t available_ = 0, notified_ = 0, used_ = 0; // indices of the rings
};

} // namespace ashlar::virtio
