// Folding and value numbering: what a simplified value is, against ir/evaluate.h.
#include "jit/optimizer/fold.h"

#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Opcode;
using ir::Value;

constexpr std::int64_t kConstants[] = {
    0,  1,  -1, 2,   3,    4,     7,  8,     16,        29,        31,        32,        33,        48,
    56, 63, 64, 255, 4096, -2048, -4, 65535, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 0xffffffff};
constexpr unsigned kResult = 3;

// A region of one guest instruction that sets kResult.
template <class Make>
Region expression(Make make) {
    Region region;
    region.begin(0);
    region.next();
    region.build().set(kResult, make(region.build()));
    region.jump(SourceBlock::kOutside);
    return region;
}

State small_state(std::mt19937_64& random) {
    State state{{}, 0x8000'1000, Memory({})};
    for (std::uint64_t& slot : state.slots)
        slot = random() % 2 == 0 ? static_cast<std::uint64_t>(kConstants[random() % std::size(kConstants)])
                                 : random() >> random() % 64;
    state.slots[0] = 0;
    return state;
}

void expect_right(const Region& region, unsigned passes, std::mt19937_64& random, const std::string& what) {
    Graph& graph = optimize(region.source(), passes);
    for (int turn = 0; turn < 6; ++turn) {
        GraphMachine machine(graph, random());
        EXPECT_EQ(difference(region.source(), graph, small_state(random), machine), "") << what;
    }
}

std::string name(Opcode opcode) {
    return std::string(ir::info(opcode).name);
}

TEST(Fold, EveryBinaryOperationWithEveryConstant) {
    std::mt19937_64 random(1);
    for (std::size_t i = 0; i <= static_cast<std::size_t>(Opcode::BitExtract); ++i) {
        const auto opcode = static_cast<Opcode>(i);
        for (const std::int64_t constant : kConstants) {
            const std::string what = name(opcode) + " " + std::to_string(constant);
            expect_right(
                expression([&](Builder& b) { return b.binary(opcode, b.get(1), b.constant(constant)); }),
                kAllPasses, random, what);
            expect_right(
                expression([&](Builder& b) { return b.binary(opcode, b.constant(constant), b.get(1)); }),
                kAllPasses, random, what + " to the left");
            expect_right(expression([&](Builder& b) {
                             const std::int64_t other = kConstants[random() % std::size(kConstants)];
                             return b.binary(opcode, b.constant(constant), b.constant(other));
                         }),
                         kAllPasses, random, what + " and another constant");
        }
        expect_right(expression([&](Builder& b) { return b.binary(opcode, b.get(1), b.get(1)); }), kAllPasses,
                     random, name(opcode) + " of one value");
        if (HasFailure())
            return;
    }
}

TEST(Fold, EveryUnaryOperation) {
    std::mt19937_64 random(2);
    for (auto i = static_cast<std::size_t>(Opcode::CountLeadingZeros);
         i <= static_cast<std::size_t>(Opcode::ReverseBytes); ++i) {
        const auto opcode = static_cast<Opcode>(i);
        expect_right(expression([&](Builder& b) { return b.unary(opcode, b.get(1)); }), kAllPasses, random,
                     name(opcode));
        for (const std::int64_t constant : kConstants)
            expect_right(expression([&](Builder& b) { return b.unary(opcode, b.constant(constant)); }),
                         kAllPasses, random, name(opcode) + " " + std::to_string(constant));
    }
}

TEST(Fold, TreesOfOperationsWithConstants) {
    // Given: operations upon operations, as the rules about pairs of them look for
    for (std::uint64_t seed = 1; seed <= 6000 && !HasFailure(); ++seed) {
        std::mt19937_64 random(seed);
        const auto operand = [&](Builder& b, auto& self, unsigned depth) -> Value {
            if (depth == 0 || random() % 4 == 0)
                return random() % 2 == 0 ? b.get(1 + static_cast<unsigned>(random() % 2))
                                         : b.constant(kConstants[random() % std::size(kConstants)]);
            if (random() % 8 == 0)
                return b.unary(
                    static_cast<Opcode>(static_cast<std::size_t>(Opcode::CountLeadingZeros) + random() % 11),
                    self(b, self, depth - 1));
            const auto opcode =
                static_cast<Opcode>(random() % (static_cast<std::size_t>(Opcode::BitExtract) + 1));
            const Value left = self(b, self, depth - 1);
            return b.binary(opcode, left,
                            random() % 2 == 0 ? b.constant(kConstants[random() % std::size(kConstants)])
                                              : self(b, self, depth - 1));
        };
        const Region region = expression([&](Builder& b) { return operand(b, operand, 3); });
        expect_right(region, seed % 2 * kAllPasses, random, "seed " + std::to_string(seed));
    }
}

// The node that kResult is when the region is left, and what its second operand is if that is constant.
struct Simplified {
    Node node;
    bool is_entry = false; // of slot 1
    std::int64_t constant = 0;
};
Simplified simplified(const Region& region) {
    Graph& graph = optimize(region.source());
    const NodeId id = graph.state(1, graph.blocks[1].set_count, kResult);
    Simplified result{graph.at(id), id == graph.entries[1], 0};
    if (result.node.operands[1] != kNoNode && graph.is_constant(result.node.operands[1]))
        result.constant = graph.at(result.node.operands[1]).immediate;
    return result;
}

TEST(Fold, StrengthIsReduced) {
    struct Case {
        Opcode opcode;
        std::int64_t constant;
        Opcode expected;
        std::int64_t left;
    };
    for (const Case& c : {Case{Opcode::Subtract, 5, Opcode::Add, -5},
                          {Opcode::SubtractWord, 5, Opcode::AddWord, -5},
                          {Opcode::Multiply, 8, Opcode::ShiftLeft, 3},
                          {Opcode::DivideUnsigned, 16, Opcode::ShiftRight, 4},
                          {Opcode::RemainderUnsigned, 16, Opcode::And, 15}}) {
        const Simplified s = simplified(
            expression([&](Builder& b) { return b.binary(c.opcode, b.get(1), b.constant(c.constant)); }));
        EXPECT_EQ(s.node.opcode, c.expected) << name(c.opcode);
        EXPECT_EQ(s.constant, c.left) << name(c.opcode);
    }
}

TEST(Fold, WhatChangesNothingIsNothing) {
    struct Case {
        Opcode opcode;
        std::int64_t constant;
    };
    for (const Case& c : {Case{Opcode::Add, 0},
                          {Opcode::Or, 0},
                          {Opcode::Xor, 0},
                          {Opcode::And, -1},
                          {Opcode::ShiftLeft, 64},
                          {Opcode::ShiftRight, 0},
                          {Opcode::RotateLeft, 0},
                          {Opcode::Multiply, 1}})
        EXPECT_TRUE(simplified(expression([&](Builder& b) {
                        return b.binary(c.opcode, b.get(1), b.constant(c.constant));
                    })).is_entry)
            << name(c.opcode);
    EXPECT_TRUE(simplified(expression([](Builder& b) {
                    return b.binary(Opcode::And, b.get(1), b.get(1));
                })).is_entry);
}

TEST(Fold, PairsOfShiftsAreExtensions) {
    const auto pair = [](Opcode down, std::int64_t up, std::int64_t by) {
        return simplified(expression([&](Builder& b) {
            return b.binary(down, b.binary(Opcode::ShiftLeft, b.get(1), b.constant(up)), b.constant(by));
        }));
    };
    EXPECT_EQ(pair(Opcode::ShiftRightSigned, 32, 32).node.opcode, Opcode::AddWord);
    EXPECT_EQ(pair(Opcode::ShiftRightSigned, 48, 48).node.opcode, Opcode::SignExtend16);
    EXPECT_EQ(pair(Opcode::ShiftRightSigned, 56, 56).node.opcode, Opcode::SignExtend8);
    EXPECT_EQ(pair(Opcode::ShiftRight, 32, 32).node.opcode, Opcode::AddUnsignedWord);
    EXPECT_EQ(pair(Opcode::ShiftRight, 48, 48).node.opcode, Opcode::And);
    EXPECT_EQ(pair(Opcode::ShiftRight, 32, 29).node.opcode, Opcode::ShiftLeft);
    EXPECT_EQ(pair(Opcode::ShiftRight, 32, 31).constant, 1);
    EXPECT_EQ(pair(Opcode::ShiftRight, 31, 32).node.opcode, Opcode::ShiftRight);
}

TEST(Fold, ShiftsThatMakeUpTheWidthAreRotations) {
    const auto combine = [](Opcode by, Opcode left, Opcode right, std::int64_t up, std::int64_t down) {
        return simplified(expression([&](Builder& b) {
            return b.binary(by, b.binary(left, b.get(1), b.constant(up)),
                            b.binary(right, b.get(1), b.constant(down)));
        }));
    };
    for (const Opcode by : {Opcode::Or, Opcode::Xor, Opcode::Add}) {
        EXPECT_EQ(combine(by, Opcode::ShiftLeft, Opcode::ShiftRight, 13, 51).node.opcode,
                  Opcode::RotateRight);
        EXPECT_EQ(combine(by, Opcode::ShiftLeftWord, Opcode::ShiftRightWord, 13, 19).node.opcode,
                  Opcode::RotateRightWord);
        EXPECT_EQ(combine(by, Opcode::ShiftLeft, Opcode::ShiftRight, 13, 50).node.opcode, by);
    }
}

TEST(ValueNumbering, OneValueIsComputedOnce) {
    // Given: the same sum in two blocks, its operands the other way round
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(3, b.binary(Opcode::Add, b.get(1), b.get(2)));
    region.jump(1);
    region.begin(256);
    region.next();
    b.set(4, b.binary(Opcode::Add, b.get(2), b.get(1)));
    region.jump(SourceBlock::kOutside);
    // Then
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.state(2, graph.blocks[2].set_count, 3), graph.state(2, graph.blocks[2].set_count, 4));
}

TEST(ValueNumbering, ValuesOfWaysThatMayNotBeTakenAreNotShared) {
    // Given: a sum on one of two ways, and behind both
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    region.branch(ir::Condition::Equal, b.get(5), b.get(0), 2, 1);
    region.begin(256);
    region.next();
    b.set(3, b.binary(Opcode::Xor, b.get(1), b.get(2)));
    region.jump(2);
    region.begin(512);
    region.next();
    b.set(4, b.binary(Opcode::Xor, b.get(1), b.get(2)));
    region.jump(SourceBlock::kOutside);
    // Then: the verifier finds no value that is missing on a way
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.at(graph.state(3, graph.blocks[3].set_count, 4)).block, 3);
}

TEST(Phis, OfOneValueAreThatValue) {
    // Given: a loop that sets a slot to what it was
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(1, b.get(1));
    region.next();
    b.set(2, b.binary(Opcode::Add, b.get(2), b.get(1)));
    region.next();
    region.branch(ir::Condition::NotEqual, b.get(2), b.get(0), 0, SourceBlock::kOutside);
    // Then
    Graph& graph = optimize(region.source());
    EXPECT_EQ(graph.resolve(graph.blocks[1].entry[1]), graph.entries[1]);
    EXPECT_EQ(graph.at(graph.resolve(graph.blocks[1].entry[2])).kind, Kind::Phi);
}

} // namespace

} // namespace ashlar::jit::optimizer::test
