// Bit sets over storage that the caller owns.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/assert.h"

namespace ashlar {

// A view of `bits` bits in 64-bit words. Not synchronized.
class BitmapView {
public:
    constexpr BitmapView(std::span<std::uint64_t> words, std::size_t bits) : words_(words), bits_(bits) {
        ASHLAR_ASSERT(bits <= words.size() * 64);
    }
    constexpr std::size_t size() const { return bits_; }
    constexpr bool test(std::size_t bit) const {
        ASHLAR_ASSERT(bit < bits_);
        return (words_[bit / 64] >> (bit % 64) & 1) != 0;
    }
    constexpr void set(std::size_t bit) {
        ASHLAR_ASSERT(bit < bits_);
        words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
    constexpr void clear(std::size_t bit) {
        ASHLAR_ASSERT(bit < bits_);
        words_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
    }
    // The lowest set (clear) bit at or above `from`.
    constexpr std::optional<std::size_t> find_set(std::size_t from = 0) const { return find(from, 0); }
    constexpr std::optional<std::size_t> find_clear(std::size_t from = 0) const {
        return find(from, ~std::uint64_t{0});
    }
    constexpr std::size_t count() const {
        std::size_t total = 0;
        for (std::size_t bit = 0; bit < bits_; bit += 64)
            total += static_cast<std::size_t>(std::popcount(words_[bit / 64] & mask_of_word(bit / 64)));
        return total;
    }

private:
    constexpr std::uint64_t mask_of_word(std::size_t word) const {
        const std::size_t left = bits_ - word * 64;
        return left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    }
    constexpr std::optional<std::size_t> find(std::size_t from, std::uint64_t invert) const {
        for (std::size_t word = from / 64; word * 64 < bits_; ++word) {
            std::uint64_t candidates = (words_[word] ^ invert) & mask_of_word(word);
            if (word == from / 64)
                candidates &= ~std::uint64_t{0} << (from % 64);
            if (candidates != 0)
                return word * 64 + static_cast<std::size_t>(std::countr_zero(candidates));
        }
        return std::nullopt;
    }
    std::span<std::uint64_t> words_;
    std::size_t bits_;
};

// A bitmap that owns its words.
template <std::size_t Bits>
class Bitmap {
public:
    constexpr BitmapView view() { return {words_, Bits}; }
    constexpr bool test(std::size_t bit) { return view().test(bit); }
    constexpr void set(std::size_t bit) { view().set(bit); }
    constexpr void clear(std::size_t bit) { view().clear(bit); }

private:
    std::uint64_t words_[(Bits + 63) / 64] = {};
};

} // namespace ashlar
