#include "jit/piece_heap.h"

#include <algorithm>
#include <bit>

#include "lib/assert.h"

namespace ashlar::jit {

void PieceHeap::add(MutableBytes memory) {
    // Headers lie 8 bytes before what is aligned to 16 bytes, so that pieces are.
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory.data()) + sizeof(Header) + kGranule - 1) /
                           kGranule * kGranule -
                       sizeof(Header);
    const auto end = reinterpret_cast<std::uintptr_t>(memory.data()) + memory.size();
    if (end < begin + sizeof(Header) + kLeastGranules * kGranule)
        return;
    const std::size_t granules = (end - begin - sizeof(Header)) / kGranule;
    ASHLAR_ASSERT(granules < std::size_t{1} << (kLevels + kSubdivisionBits - 1));
    auto* const piece = reinterpret_cast<Piece*>(begin);
    piece->header = {};
    at(piece, granules)->header = {};
    resize(piece, granules);
    insert(piece);
    capacity_ += granules * kGranule;
}

void PieceHeap::clear() {
    levels_ = 0;
    subdivisions_.fill(0);
    bins_ = {};
    capacity_ = used_ = 0;
}

void PieceHeap::resize(Piece* piece, std::size_t granules) {
    piece->header.granules = static_cast<std::uint32_t>(granules) & 0x7fffffff;
    following(piece)->header.previous_granules = static_cast<std::uint32_t>(granules);
}

PieceHeap::Bin PieceHeap::bin_of(std::size_t granules) {
    if (granules < kSubdivisions)
        return {0, static_cast<unsigned>(granules)};
    const auto width = static_cast<unsigned>(std::bit_width(granules)); // above kSubdivisionBits
    const unsigned level = width - kSubdivisionBits;
    return {level, static_cast<unsigned>(granules >> (width - 1 - kSubdivisionBits)) - kSubdivisions};
}

PieceHeap::Bin PieceHeap::bin_for(std::size_t granules) {
    if (granules < kSubdivisions)
        return bin_of(granules);
    const auto width = static_cast<unsigned>(std::bit_width(granules));
    return bin_of(granules + (std::size_t{1} << (width - 1 - kSubdivisionBits)) - 1);
}

void PieceHeap::insert(Piece* piece) {
    const Bin bin = bin_of(piece->header.granules);
    Piece*& head = bins_[bin.level][bin.subdivision];
    piece->header.is_free = 1;
    piece->next = head;
    piece->previous = nullptr;
    if (head != nullptr)
        head->previous = piece;
    head = piece;
    levels_ |= 1u << bin.level;
    subdivisions_[bin.level] = static_cast<std::uint8_t>(subdivisions_[bin.level] | 1u << bin.subdivision);
}

void PieceHeap::remove(Piece* piece) {
    const Bin bin = bin_of(piece->header.granules);
    if (piece->next != nullptr)
        piece->next->previous = piece->previous;
    if (piece->previous != nullptr) {
        piece->previous->next = piece->next;
    } else if ((bins_[bin.level][bin.subdivision] = piece->next) == nullptr) {
        subdivisions_[bin.level] =
            static_cast<std::uint8_t>(subdivisions_[bin.level] & ~(1u << bin.subdivision));
        if (subdivisions_[bin.level] == 0)
            levels_ &= ~(1u << bin.level);
    }
    piece->header.is_free = 0;
}

PieceHeap::Piece* PieceHeap::find(std::size_t granules) {
    // Some in the bin of that size may be large enough, too, and one that was just freed is likely to be.
    constexpr int kTries = 4;
    const Bin own = bin_of(granules);
    if (own.level >= kLevels)
        return nullptr;
    Piece* piece = bins_[own.level][own.subdivision];
    for (int i = 0; i < kTries && piece != nullptr; ++i, piece = piece->next)
        if (piece->header.granules >= granules)
            return piece;
    const Bin bin = bin_for(granules);
    if (bin.level >= kLevels)
        return nullptr;
    unsigned level = bin.level;
    unsigned candidates = subdivisions_[level] & ~0u << bin.subdivision;
    if (candidates == 0) {
        const std::uint32_t levels = levels_ & ~std::uint32_t{1} << level;
        if (levels == 0)
            return nullptr;
        level = static_cast<unsigned>(std::countr_zero(levels));
        candidates = subdivisions_[level];
    }
    return bins_[level][static_cast<unsigned>(std::countr_zero(candidates))];
}

std::byte* PieceHeap::allocate(std::size_t bytes) {
    const std::size_t granules = std::max(kLeastGranules, (bytes + sizeof(Header) + kGranule - 1) / kGranule);
    Piece* const piece = find(granules);
    if (piece == nullptr)
        return nullptr;
    remove(piece);
    const std::size_t left = piece->header.granules - granules;
    if (left >= kLeastGranules) {
        resize(piece, granules);
        Piece* const rest = following(piece);
        rest->header = {0, 0, static_cast<std::uint32_t>(granules)};
        resize(rest, left);
        insert(rest);
    }
    used_ += piece->header.granules * kGranule;
    return reinterpret_cast<std::byte*>(piece) + sizeof(Header);
}

void PieceHeap::free(std::byte* payload) {
    Piece* piece = piece_of(payload);
    ASHLAR_ASSERT(piece->header.is_free == 0 && piece->header.granules != 0);
    std::size_t granules = piece->header.granules;
    used_ -= granules * kGranule;
    if (Piece* const after = at(piece, granules); after->header.is_free != 0) {
        remove(after);
        granules += after->header.granules;
    }
    if (piece->header.previous_granules != 0)
        if (Piece* const before = preceding(piece); before->header.is_free != 0) {
            remove(before);
            granules += before->header.granules;
            piece = before;
        }
    resize(piece, granules);
    insert(piece);
}

std::size_t PieceHeap::size_of(const std::byte* payload) {
    return piece_of(const_cast<std::byte*>(payload))->header.granules * kGranule;
}

} // namespace ashlar::jit
