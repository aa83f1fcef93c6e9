// Which entry of a set goes when another comes: the set's state is a byte, and every step is a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ashlar::jit::mmu {

constexpr std::size_t kSetWays = 4;

enum class Replacement : std::uint8_t {
    Lru,      // what has not been used for longest
    TreePlru, // nearly that, by a tree of bits
    Random,
    Adaptive, // Lru or Random, whichever misses less in the sets that always do the one or the other
};
// "lru", "plru", "random", "adaptive".
std::optional<Replacement> replacement_named(std::string_view name);

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
    // The state after a use of `way`, or as if it had been used before all others.
    constexpr std::uint8_t used(std::uint8_t state, std::size_t way) const { return used_[state][way]; }
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

// Three bits: which pair of ways was used longer ago, and which way of either pair; set: the second.
class UseTree {
public:
    static constexpr std::uint8_t used(std::uint8_t state, std::size_t way) {
        return point(state, way, true);
    }
    static constexpr std::uint8_t forgotten(std::uint8_t state, std::size_t way) {
        return point(state, way, false);
    }
    static constexpr std::size_t oldest(std::uint8_t state) {
        const std::size_t pair = state & 1u;
        return 2 * pair + (state >> (1 + pair) & 1u);
    }

private:
    static constexpr std::uint8_t point(std::uint8_t state, std::size_t way, bool away) {
        const std::size_t pair = way >> 1;
        const unsigned bit = 2u << pair, root = (pair != 0) != away ? 1 : 0;
        const unsigned which = ((way & 1) != 0) != away ? bit : 0;
        return static_cast<std::uint8_t>((state & ~(bit | 1u)) | root | which);
    }
};

// Both in one byte, so that uses of entries are noted in the same way whatever is made of them.
class SetState {
public:
    constexpr SetState() {
        for (std::size_t state = 0; state < kStates; ++state)
            for (std::size_t way = 0; way < kSetWays; ++way) {
                const std::uint8_t order = recency(static_cast<std::uint8_t>(state));
                const std::uint8_t bits = tree(static_cast<std::uint8_t>(state));
                used_[state][way] = pack(kRecency.used(order, way), UseTree::used(bits, way));
                forgotten_[state][way] = pack(kRecency.forgotten(order, way), UseTree::forgotten(bits, way));
            }
    }
    constexpr std::uint8_t used(std::uint8_t state, std::size_t way) const { return used_[state][way]; }
    constexpr std::uint8_t forgotten(std::uint8_t state, std::size_t way) const {
        return forgotten_[state][way];
    }
    // For host code: [4 * state + way].
    const std::uint8_t* used() const { return used_.data()->data(); }
    static constexpr std::size_t oldest(std::uint8_t state) { return kRecency.oldest(recency(state)); }
    static constexpr std::size_t oldest_by_tree(std::uint8_t state) { return UseTree::oldest(tree(state)); }

private:
    static constexpr std::size_t kStates = 256;
    static constexpr RecencyTable kRecency{};
    static constexpr unsigned kTreeShift = 5;
    static constexpr std::uint8_t recency(std::uint8_t state) {
        const std::uint8_t order = state & ((1u << kTreeShift) - 1);
        return order < RecencyTable::kStates ? order : 0;
    }
    static constexpr std::uint8_t tree(std::uint8_t state) {
        return static_cast<std::uint8_t>(state >> kTreeShift);
    }
    static constexpr std::uint8_t pack(std::uint8_t order, std::uint8_t bits) {
        return static_cast<std::uint8_t>(order | bits << kTreeShift);
    }

    std::array<std::array<std::uint8_t, kSetWays>, kStates> used_{}, forgotten_{};
};

inline constexpr SetState kSetState;

} // namespace ashlar::jit::mmu
