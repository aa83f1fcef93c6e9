#include "lib/intrusive_list.h"

#include <vector>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

struct ByAge;
struct ByName;
struct Item : ListLink<ByAge>, ListLink<ByName> {
    explicit Item(int v) : value(v) {}
    int value;
};
using AgeList = IntrusiveList<Item, ByAge>;
using NameList = IntrusiveList<Item, ByName>;

std::vector<int> values(AgeList& list) {
    std::vector<int> result;
    for (Item& item : list)
        result.push_back(item.value);
    return result;
}

TEST(IntrusiveList, KeepsOrderAtBothEnds) {
    Item one(1), two(2), three(3);
    AgeList list;
    EXPECT_TRUE(list.empty());
    list.push_back(two);
    list.push_back(three);
    list.push_front(one);
    EXPECT_EQ(values(list), (std::vector{1, 2, 3}));
    EXPECT_EQ(list.front().value, 1);
    EXPECT_EQ(list.back().value, 3);
}

TEST(IntrusiveList, UnlinksFromTheMiddle) {
    Item one(1), two(2), three(3);
    AgeList list;
    list.push_back(one);
    list.push_back(two);
    list.push_back(three);
    static_cast<ListLink<ByAge>&>(two).unlink();
    EXPECT_EQ(values(list), (std::vector{1, 3}));
    EXPECT_FALSE(static_cast<ListLink<ByAge>&>(two).is_linked());
}

TEST(IntrusiveList, PopsInOrderAndThenNothing) {
    Item one(1), two(2);
    AgeList list;
    list.push_back(one);
    list.push_back(two);
    EXPECT_EQ(list.pop_front(), &one);
    EXPECT_EQ(list.pop_front(), &two);
    EXPECT_EQ(list.pop_front(), nullptr);
    EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, AnElementMayBeInOneListPerTag) {
    Item one(1), two(2);
    AgeList ages;
    NameList names;
    ages.push_back(one);
    names.push_back(two);
    names.push_back(one);
    ages.clear();
    EXPECT_EQ(names.pop_front(), &two);
    EXPECT_EQ(names.pop_front(), &one);
}

TEST(IntrusiveListDeathTest, MisuseAsserts) {
    Item one(1);
    AgeList list, other;
    list.push_back(one);
    EXPECT_DEATH(other.push_back(one), "is_linked");
    EXPECT_DEATH(other.front(), "empty");
    EXPECT_DEATH(
        {
            Item dies_linked(2);
            other.push_back(dies_linked);
        },
        "is_linked");
}

} // namespace
} // namespace ashlar
