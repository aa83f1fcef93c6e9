// Packed virtqueues. Specification: Virtio 1.2, section 2.8.
#pragma once

#include "drivers/virtio/queue.h"

namespace ashlar::virtio {

class PackedQueue final : public Queue {
public:
    static std::size_t memory_size(std::uint16_t size);

    // As of SplitQueue; `size` need not be a power of two.
    PackedQueue(std::uint16_t size, const DmaBlock& memory, std::uint64_t features);

    QueueAddresses addresses() const override;
    Status add(std::span<const Piece> pieces, std::uint16_t tag) override;
    bool notification_wanted() override;
    Result<std::optional<Used>> take() override;
    bool arm_interrupt() override;

private:
    struct Layout;
    // A place in the ring, and how often it was gone around: odd or even.
    struct Position {
        std::uint16_t index = 0;
        bool wrap = true;
        void advance(std::uint16_t count, std::uint16_t size) {
            index = static_cast<std::uint16_t>(index + count);
            if (index >= size) {
                index = static_cast<std::uint16_t>(index - size);
                wrap = !wrap;
            }
        }
    };
    std::byte* descriptor_at(std::uint16_t index) const { return memory_.at + descriptor::kSize * index; }
    void add_indirect(std::uint16_t number, std::span<const Piece> pieces);
    void add_chain(std::uint16_t number, std::span<const Piece> pieces);
    bool returned_at(const Position& position) const;

    DmaBlock memory_;
    bool indirect_, event_index_;
    std::array<std::uint16_t, kMaxSize> free_numbers_; // a stack
    std::uint16_t free_number_count_, free_descriptors_;
    std::uint16_t added_ = 0; // descriptors since the last notification
    Position available_, used_;
};

} // namespace ashlar::virtio
