// Values of 32 bits: which are sign-extended words, and whose upper half matters.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Value;

constexpr unsigned kResult = 3;

// What kResult is behind a guest instruction that sets it.
template <class Make>
Node result(Make make) {
    Region region;
    region.begin(0);
    region.next();
    region.build().set(kResult, make(region.build()));
    region.jump(SourceBlock::kOutside);
    Graph& graph = optimize(region.source(), kAllPasses & ~kSink);
    return graph.at(graph.state(1, graph.blocks[1].set_count, kResult));
}

TEST(Words, AreFoundByTheirOperation) {
    const auto word = [](Builder& b) { return b.binary(Opcode::AddWord, b.get(1), b.get(2)); };
    EXPECT_TRUE(result(word).is_word);
    EXPECT_FALSE(result([](Builder& b) { return b.binary(Opcode::Add, b.get(1), b.get(2)); }).is_word);
    EXPECT_TRUE(result([&](Builder& b) { return b.binary(Opcode::Xor, word(b), word(b)); }).is_word);
    EXPECT_FALSE(result([&](Builder& b) { return b.binary(Opcode::Xor, word(b), b.get(4)); }).is_word);
    EXPECT_TRUE(
        result([](Builder& b) { return b.binary(Opcode::And, b.get(1), b.constant(INT32_MAX)); }).is_word);
    EXPECT_FALSE(
        result([](Builder& b) { return b.binary(Opcode::And, b.get(1), b.constant(0x80000000)); }).is_word);
    EXPECT_TRUE(
        result([](Builder& b) { return b.binary(Opcode::ShiftRight, b.get(1), b.constant(33)); }).is_word);
    EXPECT_FALSE(
        result([](Builder& b) { return b.binary(Opcode::ShiftRight, b.get(1), b.constant(32)); }).is_word);
}

TEST(Words, NeedNoExtensionOfTheirOwn) {
    const Node extended = result([](Builder& b) {
        return b.binary(Opcode::AddWord, b.binary(Opcode::MultiplyWord, b.get(1), b.get(2)), b.constant(0));
    });
    EXPECT_EQ(extended.opcode, Opcode::MultiplyWord);
}

// A loop in which slot 1 becomes `make` of itself; its phi.
template <class Make>
Node around_loop(Make make, bool looks_at_all = false) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(1, b.constant(7));
    region.jump(1);
    region.begin(256, 100);
    region.next();
    if (looks_at_all)
        b.set(2, b.binary(Opcode::Multiply, b.get(2), b.get(1)));
    region.next();
    b.set(1, make(b, b.get(1)));
    region.next();
    const Value left = b.binary(Opcode::Add, b.get(6), b.constant(-1));
    b.set(6, left);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 1, SourceBlock::kOutside);
    Graph& graph = optimize(region.source(), kAllPasses & ~kSink);
    return graph.at(graph.resolve(graph.blocks[2].entry[1]));
}

TEST(Words, GoRoundLoops) {
    const auto word = [](Builder& b, Value v) { return b.binary(Opcode::AddWord, v, b.get(4)); };
    const auto full = [](Builder& b, Value v) { return b.binary(Opcode::Add, v, b.get(4)); };
    EXPECT_TRUE(around_loop(word).is_word);
    EXPECT_FALSE(around_loop(full).is_word);
}

TEST(Narrowing, UpperHalvesThatNobodyLooksAt) {
    const auto word = [](Builder& b, Value v) { return b.binary(Opcode::AddWord, v, b.get(4)); };
    // Given: words that only exits see, who extend them themselves
    EXPECT_FALSE(around_loop(word).needs_upper);
    // Given: a 64-bit product of them
    EXPECT_TRUE(around_loop(word, true).needs_upper);
}

TEST(Narrowing, OperandsOfStoresAndComparisons) {
    const auto needs_upper = [](auto use) {
        Region region;
        Builder& b = region.build();
        region.begin(0);
        region.next();
        const Value sum = b.binary(Opcode::AddWord, b.get(1), b.get(2));
        use(b, sum);
        b.set(kResult, sum);
        region.jump(SourceBlock::kOutside);
        Graph& graph = optimize(region.source());
        return graph.at(graph.state(1, graph.blocks[1].set_count, kResult)).needs_upper;
    };
    EXPECT_FALSE(needs_upper([](Builder& b, Value v) { b.store({4}, b.get(8), 0, v); }));
    EXPECT_TRUE(needs_upper([](Builder& b, Value v) { b.store({8}, b.get(8), 0, v); }));
    EXPECT_TRUE(needs_upper([](Builder& b, Value v) { b.store({4}, v, 0, b.get(8)); }));
    EXPECT_FALSE(
        needs_upper([](Builder& b, Value v) { b.set(5, b.binary(Opcode::Less, v, b.constant(9))); }));
    EXPECT_TRUE(needs_upper([](Builder& b, Value v) { b.set(5, b.binary(Opcode::Less, v, b.get(7))); }));
    EXPECT_TRUE(
        needs_upper([](Builder& b, Value v) { b.set(5, b.binary(Opcode::ShiftRight, v, b.get(7))); }));
    EXPECT_FALSE(
        needs_upper([](Builder& b, Value v) { b.set(5, b.binary(Opcode::ShiftRight, b.get(7), v)); }));
    EXPECT_FALSE(
        needs_upper([](Builder& b, Value v) { b.set(5, b.binary(Opcode::ShiftLeft, v, b.constant(32))); }));
}

} // namespace

} // namespace ashlar::jit::optimizer::test
