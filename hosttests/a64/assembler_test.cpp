#include "jit/backend/aarch64/assembler.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace ashlar::jit::aarch64 {
namespace {

class A64Assembler : public testing::Test {
protected:
    std::array<Word, 64> memory{};
    Assembler assembler{memory};
};

TEST_F(A64Assembler, BranchesReachLabelsBeforeAndAfter) {
    Label back, forward;
    assembler.bind(back);
    assembler.emit(branch_if_zero(Width::X, x(1), 0), forward);
    assembler.emit(branch_if_bit(x(2), 40, 0, true), forward);
    assembler.emit(branch(0), back);
    assembler.emit(branch_if(Condition::Ne, 0), forward);
    assembler.emit(address_of(x(3), 0), back);
    assembler.bind(forward);
    assembler.emit(branch(0, true), forward);
    const std::vector<Word> expected{branch_if_zero(Width::X, x(1), 20),
                                     branch_if_bit(x(2), 40, 16, true),
                                     branch(-8),
                                     branch_if(Condition::Ne, 8),
                                     address_of(x(3), -16),
                                     branch(0, true)};
    EXPECT_EQ(std::vector<Word>(assembler.emitted().begin(), assembler.emitted().end()), expected);
}

TEST_F(A64Assembler, WhatHasNoRoomIsDropped) {
    Label end;
    for (unsigned i = 0; i < 100; ++i)
        assembler.emit(branch(0), end);
    assembler.bind(end);
    EXPECT_TRUE(assembler.overflowed());
    EXPECT_EQ(assembler.position(), 100u);
    EXPECT_EQ(assembler.emitted().size(), 64u);
}

// Executes MOVZ, MOVN, MOVK and ORR with an immediate, which is known to be `value`.
std::uint64_t constant_of(std::span<const Word> code, std::uint64_t value) {
    std::uint64_t result = 0xdead'beef'dead'beef;
    for (const Word word : code) {
        const unsigned shift = 16 * (word >> 21 & 3);
        const std::uint64_t half = std::uint64_t{word >> 5 & 0xffff} << shift;
        switch (word >> 23) {
        case 0x125: result = ~half; break;
        case 0x1a5: result = half; break;
        case 0x1e5: result = (result & ~(std::uint64_t{0xffff} << shift)) | half; break;
        default: result = word == logical(Logical::Orr, Width::X, x(5), kZero, value) ? value : ~value; break;
        }
    }
    return result;
}

TEST_F(A64Assembler, LoadsConstantsByFewInstructions) {
    const std::pair<std::uint64_t, std::size_t> kConstants[] = {{0, 1},
                                                                {1, 1},
                                                                {0xffff, 1},
                                                                {0x1'0000, 1},
                                                                {0x1234'5678, 2},
                                                                {0xffff'ffff'ffff'ffff, 1},
                                                                {0xffff'ffff'ffff'0000, 1},
                                                                {0xffff'ffff'8000'0000, 1},
                                                                {0xffff'1234'ffff'ffff, 1},
                                                                {0x1234'0000'0000'0000, 1},
                                                                {0x5555'5555'5555'5555, 1},
                                                                {0x00ff'00ff'00ff'00ff, 1},
                                                                {0x1234'5678'9abc'def0, 4},
                                                                {0xffff'5678'9abc'ffff, 2},
                                                                {0x7fff'ffff'ffff'ffff, 1},
                                                                {0x8000'0000'0000'0000, 1},
                                                                {0xfff0'0000'0000'0001, 1},
                                                                {0x0001'0000'0000'0002, 2}};
    for (const auto& [value, length] : kConstants) {
        Assembler one{memory};
        one.load_constant(x(5), value);
        EXPECT_EQ(one.position(), length) << std::hex << value;
        EXPECT_EQ(constant_of(one.emitted(), value), value) << std::hex << value;
    }
}

TEST(A64Pages, AreCountedFromTheInstructions) {
    // ADRP: as ADR, in pages
    EXPECT_EQ(page_of(x(3), 5), 0xb000'0023u);
    EXPECT_EQ(page_of(x(0), -1), 0xf0ff'ffe0u);
}

TEST(A64Immediates, AreRefusedWhereTheyDoNotFit) {
    EXPECT_EQ(arithmetic_immediate(4096 + 1), std::nullopt);
    EXPECT_EQ(arithmetic_immediate(1 << 24), std::nullopt);
    EXPECT_TRUE(arithmetic_immediate(0xfff000).has_value());
    for (const std::uint64_t value :
         {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{0x1234}})
        EXPECT_EQ(logical_immediate(value, Width::X), std::nullopt) << value;
    EXPECT_EQ(logical_immediate(0xffff'ffff, Width::W), std::nullopt);
    EXPECT_TRUE(logical_immediate(0xffff'ffff, Width::X).has_value());
    EXPECT_EQ(float_immediate(0), std::nullopt);                     // 0.0
    EXPECT_EQ(float_immediate(0x3fb9'9999'9999'999a), std::nullopt); // 0.1
    EXPECT_EQ(float_immediate(0x3ff0'0000'0000'0000), 0x70u);        // 1.0
    EXPECT_EQ(float_immediate(0x4040'0000'0000'0000), std::nullopt); // 32.0
}

} // namespace
} // namespace ashlar::jit::aarch64
