#include "jit/engine.h"

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

TEST(Run, LoopsCountInstructionsExactly) {
    // Given: x1 = sum of 1000..1
    Guest guest;
    guest.code(kRam,
               {addi(1, 0, 0), addi(2, 0, 1000), add(1, 1, 2), addi(2, 2, -1), branch(1, 2, 0, -8), kWfi});
    // When
    EXPECT_EQ(guest.run(1'000'000), Stop::WaitForInterrupt);
    // Then
    EXPECT_EQ(guest.state().x[1], 500500u);
    EXPECT_EQ(guest.state().pc, kRam + 24);
    EXPECT_EQ(guest.state().instret, 2 + 3 * 1000u + 1);
}

// Regions take several turns of a small loop between two looks at the budget.
constexpr std::uint64_t kLate = 48;

TEST(Run, StopsWhenTheBudgetIsUsedUp) {
    Guest guest;
    guest.code(kRam, {addi(1, 1, 1), jal(0, -4)});
    EXPECT_EQ(guest.run(1'000'000), Stop::Budget);
    const std::uint64_t first = guest.state().instret;
    EXPECT_GE(first, 1'000'000u);
    EXPECT_LE(first, 1'000'000u + kLate);
    EXPECT_EQ(guest.state().x[1], first / 2);
    EXPECT_EQ(guest.run(10), Stop::Budget);
    EXPECT_GE(guest.state().instret, first + 10);
    EXPECT_LE(guest.state().instret, first + 10 + kLate);
    EXPECT_EQ(guest.state().x[1], guest.state().instret / 2);
}

TEST(Run, NestedLoopsCountExactlyWhereverTheyStop) {
    // Given: 300 turns of a loop around two of three turns each, which begin behind a branch
    for (const std::uint64_t budget : {2, 7, 10, 13, 31, 100}) {
        Guest guest;
        guest.code(kRam, {addi(5, 0, 300), addi(6, 0, 3), branch(0, 5, 0, 44), addi(9, 9, 1), addi(6, 6, -1),
                          branch(1, 6, 0, -8), addi(6, 0, 3), branch(0, 5, 0, 24), addi(9, 9, 1),
                          addi(6, 6, -1), branch(1, 6, 0, -8), addi(5, 5, -1), branch(1, 5, 0, -44), kWfi});
        // When: it runs in small pieces
        unsigned pieces = 0;
        while (guest.run(budget) == Stop::Budget && ++pieces < 10000)
            ;
        // Then
        EXPECT_EQ(guest.state().x[9], 1800u);
        EXPECT_EQ(guest.state().instret, 1 + 300 * (2 + 9 + 2 + 9 + 2u) + 1) << budget;
    }
}

TEST(Run, LongLoopsDoNotGrowTheStack) {
    Guest guest;
    guest.code(kRam, {addi(1, 1, 1), branch(1, 1, 0, -4)});
    EXPECT_EQ(guest.run(20'000'000), Stop::Budget);
    EXPECT_GE(guest.state().x[1], 10'000'000u);
    EXPECT_LE(guest.state().x[1], 10'000'000u + kLate / 2);
    EXPECT_EQ(guest.state().instret, 2 * guest.state().x[1]);
}

TEST(Run, CallsAndReturns) {
    Guest guest;
    guest.code(kRam, {jal(1, 16), addi(3, 3, 1), kWfi, kNop, addi(2, 2, 5), jalr(0, 1, 0)});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[2], 5u);
    EXPECT_EQ(guest.state().x[3], 1u);
    EXPECT_EQ(guest.state().x[1], kRam + 4);
    EXPECT_EQ(guest.state().instret, 5u);
}

TEST(Run, CallsAndReturnsStayInTranslatedCode) {
    // Given: a loop that calls a function 1,000 times, across a page boundary
    Guest guest;
    guest.code(kRam, {addi(2, 0, 1000), jal(1, 0x1000 - 4), addi(2, 2, -1), branch(1, 2, 0, -8), kWfi});
    guest.code(kRam + 0x1000, {addi(3, 3, 1), jalr(0, 1, 0)});
    // When
    EXPECT_EQ(guest.run(1'000'000), Stop::WaitForInterrupt);
    // Then
    EXPECT_EQ(guest.state().x[3], 1000u);
    EXPECT_LT(guest.engine->statistics().executions, 50u);
}

TEST(Run, JalrMayLinkTheRegisterItJumpsBy) {
    Guest guest;
    guest.code(kRam, {auipc(1, 0), jalr(1, 1, 13), kNop, kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[1], kRam + 8);
    EXPECT_EQ(guest.state().pc, kRam + 16);
}

TEST(Run, LoadsAndStoresOfAllWidthsExtend) {
    Guest guest;
    guest.put<std::uint64_t>(kRam + 0x1000, 0x8182838485868788);
    guest.code(kRam, {auipc(1, 1), load(0, 2, 1, 0), load(4, 3, 1, 0), load(1, 4, 1, 0), load(5, 5, 1, 0),
                      load(2, 6, 1, 0), load(6, 7, 1, 0), load(3, 8, 1, 0), store(0, 8, 1, 8),
                      store(1, 8, 1, 10), store(2, 8, 1, 12), store(3, 8, 1, 16), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    const auto& x = guest.state().x;
    EXPECT_EQ(x[2], 0xffffffffffffff88u);
    EXPECT_EQ(x[3], 0x88u);
    EXPECT_EQ(x[4], 0xffffffffffff8788u);
    EXPECT_EQ(x[5], 0x8788u);
    EXPECT_EQ(x[6], 0xffffffff85868788u);
    EXPECT_EQ(x[7], 0x85868788u);
    EXPECT_EQ(x[8], 0x8182838485868788u);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x1008), 0x8586878887880088u);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x1010), 0x8182838485868788u);
}

TEST(Run, UnalignedAccessesWorkWithinAndAcrossPages) {
    Guest guest;
    for (std::uint64_t i = 0; i < 32; ++i)
        guest.put<std::uint8_t>(kRam + 0x1ff0 + i, static_cast<std::uint8_t>(i));
    guest.code(kRam, {auipc(1, 2), load(3, 2, 1, -11), load(3, 3, 1, -3), load(3, 4, 1, -3),
                      store(3, 2, 1, 0x7f5), auipc(5, 3), store(3, 2, 5, -20 - 3), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[2], 0x0c0b0a0908070605u);
    EXPECT_EQ(guest.state().x[3], 0x14131211100f0e0du);
    EXPECT_EQ(guest.state().x[4], 0x14131211100f0e0du);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x27f5), 0x0c0b0a0908070605u);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x2ffd), 0x0c0b0a0908070605u);
}

} // namespace

} // namespace ashlar::jit::test
