#include "lib/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

// Counts its living copies, to see that Result destroys what it holds exactly once.
struct Counted {
    static inline int alive = 0;
    int value;
    explicit Counted(int v) : value(v) { ++alive; }
    Counted(Counted&& other) noexcept : value(other.value) { ++alive; }
    Counted(const Counted&) = delete;
    ~Counted() { --alive; }
};

Result<int> half(int value) {
    if (value % 2 != 0)
        return Error::InvalidArgument;
    return value / 2;
}

Result<int> quarter(int value) {
    const int once = ASHLAR_TRY(half(value));
    return ASHLAR_TRY(half(once));
}

Status check_even(int value) {
    ASHLAR_TRY(half(value));
    return {};
}

TEST(Result, HoldsAValueOrAnError) {
    EXPECT_TRUE(half(4).ok());
    EXPECT_EQ(half(4).value(), 2);
    EXPECT_FALSE(half(3));
    EXPECT_EQ(half(3).error(), Error::InvalidArgument);
}

TEST(Result, ValueOrFallsBackOnlyOnError) {
    EXPECT_EQ(half(4).value_or(9), 2);
    EXPECT_EQ(half(3).value_or(9), 9);
}

TEST(Result, TryReturnsTheFirstError) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error(), Error::InvalidArgument);
    EXPECT_EQ(quarter(5).error(), Error::InvalidArgument);
}

TEST(Result, TryWorksWithStatus) {
    EXPECT_TRUE(check_even(2).ok());
    EXPECT_EQ(check_even(1).error(), Error::InvalidArgument);
}

TEST(Result, TryPassesMoveOnlyValues) {
    const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
    const auto use = [&]() -> Result<int> {
        std::unique_ptr<int> pointer = ASHLAR_TRY(make());
        return *pointer;
    };
    EXPECT_EQ(use().value(), 5);
}

TEST(Result, DestroysItsValueOnce) {
    {
        Result<Counted> first{Counted(1)};
        EXPECT_EQ(Counted::alive, 1);
        Result<Counted> second(std::move(first));
        EXPECT_EQ(second.value().value, 1);
        Result<Counted> error(Error::Io);
        Result<Counted> moved_error(std::move(error));
        EXPECT_EQ(moved_error.error(), Error::Io);
    }
    EXPECT_EQ(Counted::alive, 0);
}

TEST(ResultDeathTest, ReadingTheAbsentSideAsserts) {
    EXPECT_DEATH(static_cast<void>(half(3).value()), "assertion failed");
    EXPECT_DEATH(static_cast<void>(half(4).error()), "assertion failed");
    EXPECT_DEATH(Status(Error::Busy).value(), "assertion failed");
}

TEST(Result, EveryErrorHasAText) {
    for (int error = 0; error <= static_cast<int>(Error::InvalidArgument); ++error)
        EXPECT_STRNE(to_string(static_cast<Error>(error)), "unknown error");
}

} // namespace
} // namespace ashlar
