#include "lib/bitmap.h"

#include <gtest/gtest.h>

namespace ashlar {
namespace {

TEST(Bitmap, SetsAndClearsSingleBits) {
    Bitmap<130> bitmap;
    for (const std::size_t bit : {0u, 63u, 64u, 129u}) {
        EXPECT_FALSE(bitmap.test(bit));
        bitmap.set(bit);
        EXPECT_TRUE(bitmap.test(bit));
    }
    EXPECT_EQ(bitmap.view().count(), 4u);
    bitmap.clear(63);
    EXPECT_FALSE(bitmap.test(63));
    EXPECT_EQ(bitmap.view().count(), 3u);
}

TEST(Bitmap, FindsTheLowestFromAPosition) {
    Bitmap<200> bitmap;
    bitmap.set(5);
    bitmap.set(64);
    bitmap.set(199);
    EXPECT_EQ(bitmap.view().find_set(), 5u);
    EXPECT_EQ(bitmap.view().find_set(5), 5u);
    EXPECT_EQ(bitmap.view().find_set(6), 64u);
    EXPECT_EQ(bitmap.view().find_set(65), 199u);
    EXPECT_EQ(bitmap.view().find_set(200), std::nullopt);
    EXPECT_EQ(bitmap.view().find_clear(5), 6u);
    EXPECT_EQ(bitmap.view().find_clear(64), 65u);
}

TEST(Bitmap, IgnoresWordBitsBeyondItsSize) {
    std::uint64_t words[] = {~std::uint64_t{0}, ~std::uint64_t{0}};
    const BitmapView view(words, 70);
    EXPECT_EQ(view.count(), 70u);
    EXPECT_EQ(view.find_clear(), std::nullopt);
    words[1] = 0;
    EXPECT_EQ(view.find_set(64), std::nullopt);
    EXPECT_EQ(view.find_clear(), 64u);
}

TEST(BitmapDeathTest, OutOfRangeAsserts) {
    Bitmap<10> bitmap;
    EXPECT_DEATH(bitmap.set(10), "bit < bits_");
    std::uint64_t word = 0;
    EXPECT_DEATH(BitmapView({&word, 1}, 65), "words.size");
}

} // namespace
} // namespace ashlar
