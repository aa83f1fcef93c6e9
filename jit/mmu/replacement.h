// Which entry of a set goes when another comes: the set's state is a byte, and every step is a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ashlar::jit::mmu {

constexpr std::size_t kSetWays = 4;

// The ways in order of their last use, as the number of that permutation. 0 is a valid state.
class RecencyTable {
public:
    static constexpr std::size_t kStates = 24;

    constexpr RecencyTable() {
        for (std::size_t state = 0; state < kStates; ++state) {
            const Order order = order_of(state);
            oldest_[state] = order[kSetWays - 1];
            for (std::uint8_t way = 0; way < kSetWays; ++way) {
                used_[state][way] = state_of(moved(order, way, true));
                forgotten_[state][way] = state_of(moved(order, way, false));
            }
        }
    }
    // The state after a use of `way`.
    constexpr std::uint8_t used(std::uint8_t state, std::size_t way) const { return used_[state][way]; }
    // As if `way` had been used before all others.
    constexpr std::uint8_t forgotten(std::uint8_t state, std::size_t way) const {
        return forgotten_[state][way];
    }
    constexpr std::size_t oldest(std::uint8_t state) const { return oldest_[state]; }

private:
    using Order = std::array<std::uint8_t, kSetWays>; // the latest first

    // Digits of the number, to bases 4, 3, 2: which of those that are left.
    static constexpr Order order_of(std::size_t state) {
        Order left{0, 1, 2, 3}, order{};
        std::size_t count = kSetWays;
        for (std::uint8_t& way : order) {
            const std::size_t choice = state % count;
            state /= count;
            way = left[choice];
            for (std::size_t i = choice; i + 1 < count; ++i)
                left[i] = left[i + 1];
            --count;
        }
        return order;
    }
    static constexpr std::uint8_t state_of(const Order& order) {
        for (std::uint8_t state = 0; state < kStates; ++state)
            if (order_of(state) == order)
                return state;
        return 0;
    }
    // With `way` as the first or the last.
    static constexpr Order moved(const Order& order, std::uint8_t way, bool first) {
        Order result{way, way, way, way};
        std::size_t at = first ? 1 : 0;
        for (const std::uint8_t other : order)
            if (other != way)
                result[at++] = other;
        return result;
    }

    std::array<std::array<std::uint8_t, kSetWays>, kStates> used_{}, forgotten_{};
    std::array<std::uint8_t, kStates> oldest_{};
};

inline constexpr RecencyTable kRecency;

} // namespace ashlar::jit::mmu
