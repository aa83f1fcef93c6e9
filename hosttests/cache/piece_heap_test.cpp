#include "jit/piece_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace ashlar::jit::test {

namespace {

class PieceHeapTest : public testing::Test {
protected:
    static constexpr std::size_t kBytes = 64 << 10;

    PieceHeapTest() : memory(2 * kBytes) { heap.add({memory.data(), kBytes}); }
    // The largest piece that there is room for, to 64 bytes.
    std::size_t largest() {
        std::size_t bytes = 2 * kBytes;
        while (bytes != 0) {
            if (std::byte* const piece = heap.allocate(bytes)) {
                heap.free(piece);
                return bytes;
            }
            bytes -= 64;
        }
        return 0;
    }

    std::vector<std::byte> memory;
    PieceHeap heap;
};

TEST_F(PieceHeapTest, GivesPiecesThatDoNotOverlap) {
    std::map<std::byte*, std::size_t> pieces;
    for (std::size_t bytes = 1; bytes < 600; bytes += 7) {
        std::byte* const piece = heap.allocate(bytes);
        ASSERT_NE(piece, nullptr);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 8, 0u);
        EXPECT_GE(piece, memory.data());
        EXPECT_LE(piece + bytes, memory.data() + kBytes);
        pieces[piece] = bytes;
    }
    const std::byte* end = nullptr;
    for (const auto& [piece, bytes] : pieces) {
        EXPECT_GE(piece, end);
        end = piece + bytes;
    }
}

TEST_F(PieceHeapTest, SaysNoWhenItIsFull) {
    EXPECT_EQ(heap.allocate(kBytes), nullptr); // its books take some
    std::vector<std::byte*> pieces;
    while (std::byte* const piece = heap.allocate(1000))
        pieces.push_back(piece);
    EXPECT_GE(pieces.size(), kBytes / (1000 + PieceHeap::kOverhead));
    EXPECT_EQ(heap.allocate(2000), nullptr);
    heap.free(pieces[5]);
    EXPECT_EQ(heap.allocate(1000), pieces[5]);
}

TEST_F(PieceHeapTest, NeighboursBecomeOne) {
    const std::size_t before = largest();
    std::byte* const a = heap.allocate(5000);
    std::byte* const b = heap.allocate(6000);
    std::byte* const c = heap.allocate(7000);
    for (std::byte* const piece : {b, a, c}) // behind, before, on both sides
        heap.free(piece);
    EXPECT_EQ(heap.used(), 0u);
    EXPECT_EQ(largest(), before);
}

TEST_F(PieceHeapTest, KnowsWhatIsInUse) {
    EXPECT_GT(heap.capacity(), kBytes - 64);
    EXPECT_EQ(heap.used(), 0u);
    std::byte* const piece = heap.allocate(100);
    EXPECT_EQ(heap.used(), PieceHeap::size_of(piece));
    EXPECT_GE(PieceHeap::size_of(piece), 100u);
    EXPECT_LE(PieceHeap::size_of(piece), 100 + PieceHeap::kOverhead);
    heap.free(piece);
    EXPECT_EQ(heap.used(), 0u);
}

TEST_F(PieceHeapTest, MemoriesStayApart) {
    heap.add({memory.data() + kBytes, kBytes});
    EXPECT_EQ(heap.allocate(kBytes + 100), nullptr);
    EXPECT_NE(heap.allocate(kBytes / 2 + 100), nullptr);
    EXPECT_NE(heap.allocate(kBytes / 2 + 100), nullptr);
}

TEST_F(PieceHeapTest, TooLittleMemoryIsLeftOut) {
    PieceHeap other;
    for (std::size_t bytes = 0; bytes < 48; ++bytes)
        other.add({memory.data() + 3, bytes});
    EXPECT_LT(other.capacity(), 48u * 48u);
    other.clear();
    EXPECT_EQ(other.capacity(), 0u);
    EXPECT_EQ(other.allocate(1), nullptr);
}

TEST_F(PieceHeapTest, ClearForgetsPieces) {
    while (heap.allocate(3000) != nullptr) {
    }
    heap.clear();
    heap.add({memory.data(), kBytes});
    EXPECT_EQ(heap.used(), 0u);
    EXPECT_NE(heap.allocate(kBytes / 2), nullptr);
}

TEST_F(PieceHeapTest, RandomPiecesKeepTheirBytes) {
    struct Piece {
        std::byte* at;
        std::size_t bytes;
        int value;
    };
    std::mt19937 random(1);
    const std::size_t before = largest();
    std::vector<Piece> pieces;
    for (int turn = 0; turn < 100'000; ++turn) {
        if (random() % 2 == 0 && !pieces.empty()) {
            std::swap(pieces[random() % pieces.size()], pieces.back());
            const Piece piece = pieces.back();
            pieces.pop_back();
            for (std::size_t i = 0; i < piece.bytes; ++i)
                ASSERT_EQ(std::to_integer<int>(piece.at[i]), piece.value);
            heap.free(piece.at);
            continue;
        }
        const std::size_t bytes = 1 + random() % (random() % 8 == 0 ? 9000 : 300);
        const int value = turn % 251;
        if (std::byte* const at = heap.allocate(bytes)) {
            std::memset(at, value, bytes);
            pieces.push_back({at, bytes, value});
        }
    }
    for (const Piece& piece : pieces)
        heap.free(piece.at);
    EXPECT_EQ(heap.used(), 0u);
    EXPECT_EQ(largest(), before);
}

} // namespace

} // namespace ashlar::jit::test
