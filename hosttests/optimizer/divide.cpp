// Division and remainder by constants: what takes their place computes the same, without dividing.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>

#include "hosttests/optimizer/region.h"
#include "jit/ir/evaluate.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Opcode;

constexpr Opcode kDivisions[] = {
    Opcode::Divide,    Opcode::DivideUnsigned,    Opcode::DivideWord,    Opcode::DivideUnsignedWord,
    Opcode::Remainder, Opcode::RemainderUnsigned, Opcode::RemainderWord, Opcode::RemainderUnsignedWord};

bool divides(Opcode opcode) {
    return std::find(std::begin(kDivisions), std::end(kDivisions), opcode) != std::end(kDivisions);
}

// The value of a pure node, where every entry holds `entry`.
std::uint64_t value_of(Graph& graph, NodeId id, std::uint64_t entry) {
    const Node& node = graph.at(graph.resolve(id));
    if (node.kind == Kind::Entry)
        return entry;
    if (node.opcode == Opcode::Constant)
        return static_cast<std::uint64_t>(node.immediate);
    EXPECT_FALSE(divides(node.opcode));
    const std::uint64_t a = value_of(graph, node.operands[0], entry);
    if (ir::is_unary(node.opcode))
        return ir::evaluate(node.opcode, a);
    return ir::evaluate(node.opcode, a, value_of(graph, node.operands[1], entry));
}

// x3 = x1 OP divisor
Region division(Opcode opcode, std::uint64_t divisor) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(3, b.binary(opcode, b.get(1), b.constant(static_cast<std::int64_t>(divisor))));
    region.jump(SourceBlock::kOutside);
    return region;
}

std::vector<std::uint64_t> corners() {
    std::vector<std::uint64_t> values;
    for (const unsigned bit : {0u, 1u, 2u, 3u, 15u, 30u, 31u, 32u, 33u, 47u, 62u, 63u})
        for (std::uint64_t near = 0; near < 3; ++near)
            for (const std::uint64_t value :
                 {(std::uint64_t{1} << bit) + near - 1, 0 - ((std::uint64_t{1} << bit) + near - 1)})
                values.push_back(value);
    for (const std::uint64_t small : {5, 6, 7, 9, 10, 11, 13, 25, 100, 125, 641, 1000, 10000, 1000000007})
        for (const std::uint64_t value : {small, 0 - small})
            values.push_back(value);
    return values;
}

TEST(Division, ByConstantsIsMultiplication) {
    // Given: divisors of all kinds, and dividends at random and near multiples of them
    std::mt19937_64 random(17);
    const std::vector<std::uint64_t> dividends = corners();
    std::vector<std::uint64_t> divisors = dividends;
    for (int n = 0; n < 100; ++n)
        divisors.push_back(random() >> random() % 64);
    for (const Opcode opcode : kDivisions)
        for (const std::uint64_t divisor : divisors) {
            const Region region = division(opcode, divisor);
            Graph& graph = optimize(region.source());
            const NodeId result = graph.state(1, graph.blocks[1].set_count, 3);
            const auto check = [&](std::uint64_t dividend) {
                ASSERT_EQ(value_of(graph, result, dividend), ir::evaluate(opcode, dividend, divisor))
                    << ir::info(opcode).name << " " << dividend << " " << divisor;
            };
            for (const std::uint64_t dividend : dividends)
                check(dividend);
            for (int n = 0; n < 40; ++n) {
                check(random() >> random() % 64);
                check(divisor * (random() >> random() % 64));
                check(divisor * (random() >> random() % 64) - 1);
            }
        }
}

} // namespace

} // namespace ashlar::jit::optimizer::test
