#include "jit/ir/evaluate.h"

#include <gtest/gtest.h>

namespace ashlar::jit::ir {

namespace {

constexpr std::uint64_t kMin = std::uint64_t{1} << 63, kMax = kMin - 1, kAll = ~std::uint64_t{0};
constexpr std::uint64_t kMin32 = 0xffffffff80000000;

struct Case {
    Opcode opcode;
    std::uint64_t a, b, expected;
};

TEST(Evaluate, BinaryOperationsAtTheirCorners) {
    const Case cases[] = {
        {Opcode::Add, kAll, 1, 0},
        {Opcode::Subtract, 0, 1, kAll},
        {Opcode::AndNot, 0xff, 0x0f, 0xf0},
        {Opcode::OrNot, 0, kAll - 1, 1},
        {Opcode::XorNot, 5, 5, kAll},
        {Opcode::ShiftLeft, 1, 63, kMin},
        {Opcode::ShiftLeft, 1, 64, 1},
        {Opcode::ShiftRight, kMin, 63, 1},
        {Opcode::ShiftRightSigned, kMin, 63, kAll},
        {Opcode::ShiftLeftWord, 1, 31, kMin32},
        {Opcode::ShiftLeftWord, 1, 32, 1},
        {Opcode::ShiftRightWord, 0x80000000, 0, kMin32},
        {Opcode::ShiftRightSignedWord, 0x80000000, 31, kAll},
        {Opcode::RotateLeft, kMin | 1, 1, 3},
        {Opcode::RotateRight, 1, 65, kMin},
        {Opcode::RotateRightWord, 1, 1, kMin32},
        {Opcode::RotateLeftWord, 0x80000000, 33, 1},
        {Opcode::Less, kMin, kMax, 1},
        {Opcode::LessUnsigned, kMin, kMax, 0},
        {Opcode::Minimum, kAll, 0, kAll},
        {Opcode::MinimumUnsigned, kAll, 0, 0},
        {Opcode::Maximum, kAll, 0, 0},
        {Opcode::MaximumUnsigned, kAll, 0, kAll},
        {Opcode::MultiplyHigh, kMin, kMin, std::uint64_t{1} << 62},
        {Opcode::MultiplyHigh, kAll, 1, kAll},
        {Opcode::MultiplyHighMixed, kAll, kAll, kAll},
        {Opcode::MultiplyHighMixed, kMin, 2, kAll},
        {Opcode::MultiplyHighUnsigned, kAll, kAll, kAll - 1},
        {Opcode::Divide, 7, 0, kAll},
        {Opcode::Divide, kMin, kAll, kMin},
        {Opcode::Divide, std::uint64_t(-7), 2, std::uint64_t(-3)},
        {Opcode::DivideUnsigned, 7, 0, kAll},
        {Opcode::Remainder, 7, 0, 7},
        {Opcode::Remainder, kMin, kAll, 0},
        {Opcode::Remainder, std::uint64_t(-7), 2, kAll},
        {Opcode::RemainderUnsigned, 7, 0, 7},
        {Opcode::DivideWord, 0x80000000, 0xffffffff, kMin32},
        {Opcode::DivideWord, 5, 0x100000000, kAll},
        {Opcode::DivideUnsignedWord, 0xffffffff, 1, kAll},
        {Opcode::DivideUnsignedWord, 5, 0, kAll},
        {Opcode::RemainderWord, 0x80000000, 0xffffffff, 0},
        {Opcode::RemainderWord, 0x80000005, 0, 0xffffffff80000005},
        {Opcode::RemainderUnsignedWord, 0x80000005, 0, 0xffffffff80000005},
        {Opcode::MultiplyWord, 0x10000, 0x8000, kMin32},
        {Opcode::AddWord, kMax, 1, 0},
        {Opcode::AddWord, 0x7fffffff, 1, kMin32},
        {Opcode::SubtractWord, 0x80000000, 1, 0x7fffffff},
        {Opcode::AddUnsignedWord, kAll, 1, 0x100000000},
        {Opcode::ShiftAdd3, kAll, 8, 0},
        {Opcode::ShiftAdd1UnsignedWord, kAll, 0, 0x1fffffffe},
        {Opcode::ShiftLeftUnsignedWord, kAll, 4, 0xffffffff0},
        {Opcode::BitSet, 0, 127, kMin},
        {Opcode::BitClear, kAll, 63, kMax},
        {Opcode::BitInvert, 1, 64, 0},
        {Opcode::BitExtract, kMin, 63, 1},
    };
    for (const Case& c : cases)
        EXPECT_EQ(evaluate(c.opcode, c.a, c.b), c.expected)
            << info(c.opcode).name << " " << std::hex << c.a << ", " << c.b;
}

TEST(Evaluate, UnaryOperationsAtTheirCorners) {
    const Case cases[] = {
        {Opcode::CountLeadingZeros, 0, 0, 64},
        {Opcode::CountLeadingZeros, 1, 0, 63},
        {Opcode::CountTrailingZeros, 0, 0, 64},
        {Opcode::CountTrailingZeros, kMin, 0, 63},
        {Opcode::PopulationCount, kAll, 0, 64},
        {Opcode::CountLeadingZerosWord, kMin, 0, 32},
        {Opcode::CountTrailingZerosWord, kMin, 0, 32},
        {Opcode::PopulationCountWord, kAll, 0, 32},
        {Opcode::SignExtend8, 0x180, 0, 0xffffffffffffff80},
        {Opcode::SignExtend16, 0x18000, 0, 0xffffffffffff8000},
        {Opcode::ZeroExtend16, kAll, 0, 0xffff},
        {Opcode::OrCombineBytes, 0x0100800000102000, 0, 0xff00ff0000ffff00},
        {Opcode::ReverseBytes, 0x0102030405060708, 0, 0x0807060504030201},
    };
    for (const Case& c : cases)
        EXPECT_EQ(evaluate(c.opcode, c.a), c.expected) << info(c.opcode).name << " " << std::hex << c.a;
}

} // namespace

} // namespace ashlar::jit::ir
