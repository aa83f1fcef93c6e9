// Indirect jumps, calls and returns that regions follow: switches, pointers to functions, recursion.
#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

constexpr unsigned kRa = 1, kSp = 2;
constexpr std::uint64_t kTable = kRam + 0x2000, kStack = kRam + 0x8000;

// Regions soon, and soon others that follow what they were left by.
class FollowingGuest : public Guest {
public:
    FollowingGuest() : Guest(1 << 20, options()) { state().x[kSp] = kStack; }

    EngineStatistics statistics() const { return engine->statistics(); }
    std::uint64_t left(optimizer::Leave why) const {
        return statistics().leaves[static_cast<std::size_t>(why)].times;
    }

private:
    static EngineOptions options() {
        static const hosted::HostedCodeMemory memory(std::size_t{4} << 20);
        EngineOptions result;
        result.native_code = memory.get();
        result.promote_after = 1;
        result.optimize_after = 2;
        result.surprises = 8;
        result.counted_exits = 1000;
        return result;
    }
};

// x5 counts turns down; turn n goes to case (x6 >> n's low bits & 3) by way of the table, which adds 1, 3, 5
// or 7 to x10.
constexpr std::uint64_t kCases = kRam + 0x100;
void build_switch(Guest& guest, std::uint64_t turns) {
    guest.code(kRam, {
                         auipc(7, 2),             // loop: the table
                         i(0x13, 7, 8, 5, 3),     //   andi x8, x5, 3
                         i(0x13, 1, 8, 8, 3),     //   slli x8, x8, 3
                         add(8, 8, 7),            //
                         load(3, 8, 8, 0),        //   ld x8, 0(x8)
                         jalr(0, 8, 0),           //
                         addi(5, 5, -1),          // next:
                         branch(1, 5, 0, -7 * 4), //   bne x5, x0, loop
                         kWfi,
                     });
    for (unsigned n = 0; n < 4; ++n) {
        const std::uint64_t address = kCases + 16 * n;
        guest.put<std::uint64_t>(kTable + 8 * n, address);
        guest.code(address, {addi(10, 10, static_cast<int>(2 * n + 1)),
                             jal(0, static_cast<int>(kRam + 24) - static_cast<int>(address + 4))});
    }
    guest.state().x[5] = turns;
}

TEST(Jumps, ASwitchStaysInItsRegion) {
    FollowingGuest guest;
    build_switch(guest, 4000);
    EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 1000u * (1 + 3 + 5 + 7));
    EXPECT_EQ(guest.state().instret, 4000u * 10 + 1);
    // Then: a region has been formed that follows all its ways
    EXPECT_GE(guest.statistics().regions_formed_anew, 1u);
    EXPECT_GT(guest.statistics().jumps_followed, 3500u);
    EXPECT_LT(guest.left(optimizer::Leave::Indirect), 300u);
}

TEST(Jumps, FollowATableThatIsRewritten) {
    FollowingGuest guest;
    build_switch(guest, 4000);
    EXPECT_EQ(guest.run(20000), Stop::Budget);
    const std::uint64_t turns = guest.state().x[5], sum = guest.state().x[10];
    ASSERT_GT(turns, 1900u);
    // When the table leads to other code
    for (unsigned n = 0; n < 4; ++n) {
        const std::uint64_t address = kCases + 0x100 + 16 * n;
        guest.put<std::uint64_t>(kTable + 8 * n, address);
        guest.code(address,
                   {addi(10, 10, 100), jal(0, static_cast<int>(kRam + 24) - static_cast<int>(address + 4))});
    }
    EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    // Then: the turn that was under way may have been in its old case still
    EXPECT_GE(guest.state().x[10], sum + (turns - 1) * 100);
    EXPECT_LE(guest.state().x[10], sum + turns * 100);
    EXPECT_EQ(guest.state().instret, 4000u * 10 + 1);
    EXPECT_LT(guest.left(optimizer::Leave::Indirect), 600u);
}

TEST(Jumps, TheLowestBitOfATargetDoesNotCount) {
    FollowingGuest guest;
    build_switch(guest, 400);
    for (unsigned n = 0; n < 4; n += 2)
        guest.put<std::uint64_t>(kTable + 8 * n, kCases + 16 * n + 1);
    EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 100u * (1 + 3 + 5 + 7));
    EXPECT_EQ(guest.state().instret, 400u * 10 + 1);
}

TEST(Jumps, ATargetThatIsOverwrittenIsNotExecutedAsItWas) {
    FollowingGuest guest;
    build_switch(guest, 4000);
    EXPECT_EQ(guest.run(20000), Stop::Budget);
    const std::uint64_t turns = guest.state().x[5], sum = guest.state().x[10];
    // When the guest's code is changed under it
    for (unsigned n = 0; n < 4; ++n)
        guest.code(kCases + 16 * n, {addi(10, 10, 100)});
    EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    EXPECT_GE(guest.state().x[10], sum + (turns - 1) * 100);
    EXPECT_LE(guest.state().x[10], sum + turns * 100);
}

// fib(x10) to x10 at kFib; 5 instructions where x10 < 2.
constexpr std::uint64_t kFib = kRam + 0x200;
void build_fibonacci(Guest& guest) {
    guest.code(kRam, {jal(kRa, kFib - kRam), kWfi});
    guest.code(kFib, {
                         addi(5, 0, 2),            //
                         branch(6, 10, 5, 17 * 4), // bltu x10, x5, ret
                         addi(kSp, kSp, -24),      //
                         store(3, kRa, kSp, 0),    //
                         store(3, 10, kSp, 8),     //
                         addi(10, 10, -1),         //
                         jal(kRa, -6 * 4),         //
                         load(3, 5, kSp, 8),       //
                         store(3, 10, kSp, 16),    //
                         addi(10, 5, -2),          //
                         jal(kRa, -10 * 4),        //
                         load(3, 5, kSp, 16),      //
                         add(10, 10, 5),           //
                         load(3, kRa, kSp, 0),     //
                         addi(kSp, kSp, 24),       //
                         kNop,                     //
                         kNop,                     //
                         kNop,                     //
                         jalr(0, kRa, 0),          // ret:
                     });
}

struct Fibonacci {
    std::uint64_t value, instructions;
};
Fibonacci fibonacci(unsigned n) {
    if (n < 2)
        return {n, 3};
    const Fibonacci a = fibonacci(n - 1), b = fibonacci(n - 2);
    return {a.value + b.value, a.instructions + b.instructions + 19};
}

TEST(Jumps, RecursionStaysInItsRegion) {
    FollowingGuest guest;
    build_fibonacci(guest);
    guest.state().x[10] = 16;
    EXPECT_EQ(guest.run(1'000'000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 987u);
    EXPECT_EQ(guest.state().x[kSp], kStack);
    EXPECT_EQ(guest.state().instret, fibonacci(16).instructions + 2);
    EXPECT_LT(guest.left(optimizer::Leave::Return), 200u);
    EXPECT_LT(guest.left(optimizer::Leave::Deep), 200u);
}

// However often the budget ends, and wherever.
TEST(Jumps, ShortBudgetsChangeNothing) {
    for (const std::uint64_t slice : {1, 3, 7, 50, 333}) {
        FollowingGuest guest;
        build_fibonacci(guest);
        guest.state().x[10] = 13;
        std::uint64_t before = 0;
        Stop stop = Stop::Budget;
        for (unsigned n = 0; n < 20000 && stop == Stop::Budget; ++n) {
            stop = guest.run(slice);
            ASSERT_GT(guest.state().instret, before);
            before = guest.state().instret;
        }
        EXPECT_EQ(stop, Stop::WaitForInterrupt);
        EXPECT_EQ(guest.state().x[10], 233u);
        EXPECT_EQ(guest.state().instret, fibonacci(13).instructions + 2);
    }
}

TEST(Jumps, CalleesOfPointersAreInlined) {
    // Given: a loop that calls two functions by turns through pointers
    FollowingGuest guest;
    guest.code(kRam, {
                         auipc(7, 2),             // loop: the table
                         i(0x13, 7, 8, 5, 1),     //   andi x8, x5, 1
                         i(0x13, 1, 8, 8, 3),     //   slli x8, x8, 3
                         add(8, 8, 7),            //
                         load(3, 8, 8, 0),        //
                         jalr(kRa, 8, 0),         //
                         addi(5, 5, -1),          //
                         branch(1, 5, 0, -7 * 4), //
                         kWfi,
                     });
    for (unsigned n = 0; n < 2; ++n) {
        guest.put<std::uint64_t>(kTable + 8 * n, kCases + 16 * n);
        guest.code(kCases + 16 * n, {addi(10, 10, static_cast<int>(n + 1)), jalr(0, kRa, 0)});
    }
    guest.state().x[5] = 3000;
    EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 1500u * 3);
    EXPECT_EQ(guest.state().instret, 3000u * 10 + 1);
    EXPECT_LT(guest.left(optimizer::Leave::Indirect), 200u);
    EXPECT_LT(guest.left(optimizer::Leave::Return), 200u);
}

TEST(Jumps, WhatNeverSettlesEndsAnewSeldom) {
    // Given: a jump to one of 64 places by turns, more than any region follows
    FollowingGuest guest;
    guest.code(kRam, {
                         auipc(7, 1),             // loop:
                         i(0x13, 7, 8, 5, 63),    //   andi x8, x5, 63
                         i(0x13, 1, 8, 8, 3),     //   slli x8, x8, 3
                         add(8, 8, 7),            //
                         jalr(0, 8, 0),           //
                         addi(5, 5, -1),          // next:
                         branch(1, 5, 0, -6 * 4), //
                         kWfi,
                     });
    for (unsigned n = 0; n < 64; ++n) {
        const std::uint64_t address = kRam + 0x1000 + 8 * n;
        guest.code(address,
                   {addi(10, 10, 1), jal(0, static_cast<int>(kRam + 20) - static_cast<int>(address + 4))});
    }
    guest.state().x[5] = 20000;
    EXPECT_EQ(guest.run(1'000'000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 20000u);
    EXPECT_EQ(guest.state().instret, 20000u * 9 + 1);
    EXPECT_LE(guest.statistics().regions_formed_anew, 64u * 8);
}

} // namespace

} // namespace ashlar::jit::test
