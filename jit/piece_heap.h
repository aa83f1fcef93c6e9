// Memory in pieces of any size, which are freed one by one: a good fit in constant time (two-level segregated
// lists). The books are kept within the memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/bytes.h"

namespace ashlar::jit {

// Owns nothing. Not synchronized.
class PieceHeap {
public:
    // What a piece takes beyond its bytes, at most.
    static constexpr std::size_t kOverhead = 32;

    PieceHeap() = default;
    PieceHeap(const PieceHeap&) = delete;
    PieceHeap& operator=(const PieceHeap&) = delete;

    // More memory to give out, below 1 GiB; what is not aligned to 16 bytes is left out.
    void add(MutableBytes memory);
    // Aligned to 8 bytes, with that much room or more; nullptr when no free piece is sure to be large enough.
    std::byte* allocate(std::size_t bytes);
    // Makes one piece with free neighbours.
    void free(std::byte* piece);
    // Forgets all memory.
    void clear();

    std::size_t capacity() const { return capacity_; }
    std::size_t used() const { return used_; }
    // What free() would add to what is not used.
    static std::size_t size_of(const std::byte* piece);

private:
    static constexpr std::size_t kGranule = 16;
    static constexpr unsigned kSubdivisionBits = 3, kSubdivisions = 1u << kSubdivisionBits;
    static constexpr unsigned kLevels = 27 - kSubdivisionBits;

    // In front of each piece, and behind the last of each memory.
    struct Header {
        std::uint32_t granules : 31; // with the header; 0: behind the last
        std::uint32_t is_free : 1;
        std::uint32_t previous_granules; // 0: the first
    };
    struct Piece {
        Header header;
        Piece *next, *previous; // while it is free
    };
    struct Bin {
        unsigned level, subdivision;
    };
    static_assert(sizeof(Header) == 8);
    static constexpr std::size_t kLeastGranules = (sizeof(Piece) + kGranule - 1) / kGranule;

    static Piece* piece_of(std::byte* payload) { return reinterpret_cast<Piece*>(payload - sizeof(Header)); }
    static Piece* at(Piece* piece, std::size_t granules) {
        return reinterpret_cast<Piece*>(reinterpret_cast<std::byte*>(piece) + granules * kGranule);
    }
    static Piece* following(Piece* piece) { return at(piece, piece->header.granules); }
    static Piece* preceding(Piece* piece) {
        return reinterpret_cast<Piece*>(reinterpret_cast<std::byte*>(piece) -
                                        piece->header.previous_granules * kGranule);
    }
    // Where pieces of that size are.
    static Bin bin_of(std::size_t granules);
    // The first bin whose pieces all have that size.
    static Bin bin_for(std::size_t granules);
    void insert(Piece* piece);
    void remove(Piece* piece);
    Piece* find(std::size_t granules);
    // Gives `piece` a size, and tells the one behind it.
    static void resize(Piece* piece, std::size_t granules);

    std::uint32_t levels_ = 0; // that have free pieces, a bit each
    std::array<std::uint8_t, kLevels> subdivisions_{};
    std::array<std::array<Piece*, kSubdivisions>, kLevels> bins_{};
    std::size_t capacity_ = 0, used_ = 0;
};

} // namespace ashlar::jit
