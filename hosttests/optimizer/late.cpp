// Which results need not be canonical NaNs, or boxed singles (Node::late, Node::unboxed), and who sees to it
// that nobody notices.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"
#include "jit/fp.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Precision;
using ir::Value;

constexpr BlockId kLoop = 2;
constexpr unsigned kFa = ir::kFloatSlot, kFb = ir::kFloatSlot + 1, kFc = ir::kFloatSlot + 2;
constexpr ir::FloatMode kDouble{Precision::Double, ir::kDynamicRounding};

Value multiply(Builder& b, Value x, Value y) {
    return b.floating(Opcode::FloatArithmetic, kDouble, static_cast<std::uint8_t>(fp::Arithmetic::Multiply),
                      x, y);
}
Value add(Builder& b, Value x, Value y) {
    return b.floating(Opcode::FloatArithmetic, kDouble, static_cast<std::uint8_t>(fp::Arithmetic::Add), x, y);
}
Value read(Builder& b, unsigned slot) {
    return b.get(slot, ir::Type::Float);
}

// A loop, block 1, behind one that sets fa to 0; what follows it is block 2.
template <class Body, class Behind>
Region loop(Body body, Behind behind) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(kFa, b.floating(Opcode::FloatFromBits, kDouble, 0, b.constant(0)));
    region.jump(1);
    region.begin(256, 100);
    region.next();
    body(b);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 1, 2);
    region.begin(512);
    region.next();
    behind(b);
    region.jump(SourceBlock::kOutside);
    return region;
}

std::vector<Node> nodes(Graph& graph, BlockId block, Opcode opcode) {
    std::vector<Node> found;
    for (NodeId n = graph.blocks[block].first; n != kNoNode; n = graph.at(n).next)
        if (graph.is_operation(n, opcode))
            found.push_back(graph.at(n));
    return found;
}

const auto kNothing = [](Builder&) {};

TEST(Nans, AreLeftAsTheyAreWhereOnlyArithmeticAndExitsLook) {
    // Given: fb = fb * fc, fa = fa + fb
    const Region region = loop(
        [](Builder& b) {
            b.set(kFb, multiply(b, read(b, kFc), read(b, kFc)));
            b.set(kFa, add(b, read(b, kFa), read(b, kFb)));
        },
        kNothing);
    // Then: neither the product, nor the sum, which begins as a number, is looked at
    const auto results = nodes(optimize(region.source()), kLoop, Opcode::FloatArithmetic);
    ASSERT_EQ(results.size(), 2u);
    EXPECT_TRUE(results[1].late);
    for (const Node& node :
         nodes(optimize(region.source(), kAllPasses & ~kDelayNans), kLoop, Opcode::FloatArithmetic))
        EXPECT_FALSE(node.late);
}

TEST(Nans, AreCanonicalWhereTheyAreLookedAt) {
    // Given: the sum is stored in every turn, or moved to an integer register, or its sign is taken
    const auto stored = [](Builder& b) {
        b.set(kFa, add(b, read(b, kFa), read(b, kFc)));
        b.store({8}, b.get(7), 0, read(b, kFa));
    };
    const auto moved = [](Builder& b) {
        b.set(kFa, add(b, read(b, kFa), read(b, kFc)));
        b.set(8, b.floating(Opcode::FloatToBits, kDouble, 0, read(b, kFa)));
    };
    const auto negated = [](Builder& b) {
        b.set(kFa, add(b, read(b, kFa), read(b, kFc)));
        b.set(kFb,
              b.floating(Opcode::FloatSign, kDouble, static_cast<std::uint8_t>(fp::SignInjection::Negate),
                         read(b, kFa), read(b, kFa)));
    };
    EXPECT_FALSE(nodes(optimize(loop(stored, kNothing).source()), kLoop, Opcode::FloatArithmetic).at(0).late);
    EXPECT_FALSE(nodes(optimize(loop(moved, kNothing).source()), kLoop, Opcode::FloatArithmetic).at(0).late);
    EXPECT_FALSE(
        nodes(optimize(loop(negated, kNothing).source()), kLoop, Opcode::FloatArithmetic).at(0).late);
}

TEST(Nans, AreCopiedForThoseWhoLookBehindTheLoop) {
    // Given: the sum is stored once it is complete
    const Region region = loop([](Builder& b) { b.set(kFa, add(b, read(b, kFa), read(b, kFc))); },
                               [](Builder& b) { b.store({8}, b.get(7), 0, read(b, kFa)); });
    Graph& graph = optimize(region.source());
    EXPECT_TRUE(nodes(graph, kLoop, Opcode::FloatArithmetic).at(0).late);
    const auto copies = nodes(graph, kLoop + 1, Opcode::FloatSign);
    ASSERT_EQ(copies.size(), 1u);
    EXPECT_FALSE(copies[0].late);
}

TEST(Nans, OfRegistersThatWereThereBeforeStayWhatTheyAre) {
    // Given: fb, which exits look at before the loop has computed it, and which may hold anything then
    const Region region = loop(
        [](Builder& b) {
            b.set(7, b.load({8, ir::Extension::Zero}, ir::Type::Integer, b.get(7), 0));
            b.set(kFb, multiply(b, read(b, kFc), read(b, kFc)));
        },
        kNothing);
    EXPECT_FALSE(nodes(optimize(region.source()), kLoop, Opcode::FloatArithmetic).at(0).late);
}

constexpr ir::FloatMode kSingle{Precision::Single, ir::kDynamicRounding};

// Block 1: fb = *x7; fc = fb * fb; then `more`.
template <class More>
Region singles(More more) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.next();
    b.set(kFb, b.load({4, ir::Extension::Box}, ir::Type::Float, b.get(7), 0));
    region.next();
    b.set(kFc, b.floating(Opcode::FloatArithmetic, kSingle,
                          static_cast<std::uint8_t>(fp::Arithmetic::Multiply), read(b, kFb), read(b, kFb)));
    region.next();
    more(b);
    region.jump(SourceBlock::kOutside);
    return region;
}

TEST(Boxes, AreLeftToThoseWhoLookAtThem) {
    // Given: a product of singles that is stored as a single
    const Region region = singles([](Builder& b) { b.store({4}, b.get(7), 8, read(b, kFc)); });
    Graph& graph = optimize(region.source());
    // Then: neither it nor its operand is boxed, but it is canonical
    EXPECT_TRUE(nodes(graph, 1, Opcode::Load).at(0).unboxed);
    const auto products = nodes(graph, 1, Opcode::FloatArithmetic);
    EXPECT_TRUE(products.at(0).unboxed);
    EXPECT_FALSE(products.at(0).late);
    // Unless the pass is left out
    EXPECT_FALSE(nodes(optimize(region.source(), kAllPasses & ~kDelayBoxes), 1, Opcode::Load).at(0).unboxed);
}

TEST(Boxes, ArePartOfWhatIsStoredAsADouble) {
    // Given: all 64 bits of the product's register are stored
    const Region region = singles([](Builder& b) { b.store({8}, b.get(7), 8, read(b, kFc)); });
    Graph& graph = optimize(region.source());
    // Then: it has the box from its operand
    EXPECT_FALSE(nodes(graph, 1, Opcode::Load).at(0).unboxed);
    EXPECT_FALSE(nodes(graph, 1, Opcode::FloatArithmetic).at(0).unboxed);
}

TEST(Boxes, AreMadeForThoseWhoLookBehindTheLoop) {
    // Given: what the loop has loaded last is moved to an integer register and stored as a double behind it
    const Region region = loop(
        [](Builder& b) {
            b.set(kFa, b.load({4, ir::Extension::Box}, ir::Type::Float, b.get(7), 0));
        },
        [](Builder& b) {
            b.store({8}, b.get(7), 8, read(b, kFa));
            b.set(8, b.floating(Opcode::FloatToBits, kDouble, 0, read(b, kFa)));
        });
    // Then: the graph is as verify() wants it, and a copy has the box
    Graph& graph = optimize(region.source());
    for (const Node& copy : nodes(graph, kLoop + 1, Opcode::FloatSign)) {
        EXPECT_TRUE(copy.settles);
        EXPECT_FALSE(exits(copy));
        EXPECT_EQ(copy.precision, Precision::Single);
    }
}

} // namespace

} // namespace ashlar::jit::optimizer::test
