// Which accesses are checked against extents, and where.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"
#include "jit/optimizer/bounds.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Value;

// A loop of 100 turns around what `body` builds.
template <class Body>
Region loop(Body body) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.jump(1);
    region.begin(256, 100);
    region.next();
    body(b);
    region.next();
    const Value left = b.binary(Opcode::Add, b.get(6), b.constant(-1));
    b.set(6, left);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 1, SourceBlock::kOutside);
    return region;
}

// A table at slot 8 whose index is a part of slot 6.
Region look_up(std::int64_t mask, unsigned scale) {
    return loop([&](Builder& b) {
        const Value index = b.binary(Opcode::And, b.get(6), b.constant(mask));
        const Value offset = b.binary(Opcode::ShiftLeft, index, b.constant(scale));
        b.set(3, b.load({4}, ir::Type::Integer, b.binary(Opcode::Add, b.get(8), offset), 16));
    });
}

TEST(Extents, TakeThePlaceOfProbes) {
    const Region region = look_up(0xff, 2);
    Graph& graph = optimize(region.source());
    EXPECT_EQ(nodes(graph, Kind::Probe).size(), 0u);
    EXPECT_EQ(nodes(graph, Kind::Within).size(), 1u);
    EXPECT_EQ(nodes(optimize(region.source(), kAllPasses & ~kExtents), Kind::Within).size(), 0u);
}

TEST(Extents, TablesWithBoundedIndicesAreCheckedBeforeTheLoop) {
    const std::vector<Node> checks = nodes(optimize(look_up(0xff, 2).source()), Kind::Within);
    ASSERT_EQ(checks.size(), 1u);
    EXPECT_NE(checks[0].block, 2);
    EXPECT_EQ(checks[0].low, 16);
    EXPECT_EQ(checks[0].high, 16 + 4 * 0xff + 4);
}

TEST(Extents, OtherTablesAreCheckedInTheLoop) {
    for (const std::int64_t mask : {std::int64_t{0xffff}, std::int64_t{-1}}) {
        const std::vector<Node> checks = nodes(optimize(look_up(mask, 2).source()), Kind::Within);
        ASSERT_EQ(checks.size(), 1u);
        EXPECT_EQ(checks[0].block, 2);
        EXPECT_EQ(checks[0].high - checks[0].low, 4);
    }
}

TEST(Extents, ValuesThatAreStoredThroughAreCheckedForThat) {
    const Region region = loop([](Builder& b) {
        b.set(3, b.load({4}, ir::Type::Integer, b.get(8), 0));
        b.set(4, b.load({4}, ir::Type::Integer, b.get(9), 8));
        b.store({4}, b.get(9), 0, b.get(3));
    });
    Graph& graph = optimize(region.source());
    const std::vector<Node> checks = nodes(graph, Kind::Within);
    ASSERT_EQ(checks.size(), 2u);
    EXPECT_LT(checks[0].slot, kFirstSlotToWrite);
    EXPECT_EQ(checks[1].slot, checks[0].slot + kFirstSlotToWrite);
    EXPECT_EQ(nodes(graph, Kind::Extent).size(), 1u) << "the addend is the same";
}

TEST(Extents, AddressesThatGrowAreComparedOnce) {
    const Region region = loop([](Builder& b) {
        b.set(3, b.load({4}, ir::Type::Integer, b.get(8), 0));
        b.set(8, b.binary(Opcode::Add, b.get(8), b.constant(4)));
    });
    const std::vector<Node> checks = nodes(optimize(region.source()), Kind::Within);
    ASSERT_EQ(checks.size(), 2u);
    EXPECT_FALSE(checks[0].grows);
    EXPECT_TRUE(checks[1].grows);
}

// Sites, by what is known of the instruction, of the register, and of others.
TEST(Extents, AreExpectedByExperience) {
    const auto checks = [](Site of_access, Site of_register, Site usual) {
        const Region region = loop([](Builder& b) { b.set(3, b.load({4}, ir::Type::Integer, b.get(8), 0)); });
        const auto source = std::make_unique<RegionSource>(region.source());
        source->sites.fill(of_access);
        source->addresses.registers[8] = of_register;
        source->addresses.usual = usual;
        const std::vector<Node> found = nodes(optimize(*source), Kind::Within);
        return found.empty() ? -1 : static_cast<int>(found[0].slot);
    };
    EXPECT_EQ(checks(kSiteUnknown, kSiteUnknown, kSiteUnknown), 0);
    EXPECT_EQ(checks(kSiteUnknown, kSiteUnknown, 3), 3);
    EXPECT_EQ(checks(kSiteUnknown, 2, 3), 2);
    EXPECT_EQ(checks(1, 2, 3), 1);
    EXPECT_EQ(checks(1, kSitePaged, 3), 1);
    EXPECT_EQ(checks(kSiteUnknown, kSitePaged, 3), -1);
    EXPECT_EQ(checks(kSiteUnknown, kSiteUnknown, kSitePaged), -1);
    EXPECT_EQ(checks(kSitePaged, 2, 3), -1);
}

TEST(Bounds, AreNeverBelowTheValue) {
    std::mt19937_64 random(1);
    for (int turn = 0; turn < 300; ++turn) {
        // Given: a chain of operations on values of which some have bounds
        Region region = random_region(random, 6);
        Graph& graph = optimize(region.source(), kAllPasses & ~(kSink | kNarrow));
        State state = random_state(random);
        GraphMachine machine(graph, static_cast<std::uint64_t>(turn));
        machine.run(state);
        // Then: all that were computed keep to them
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
            const auto id = static_cast<NodeId>(i);
            if (graph.at(id).kind == Kind::Operation && graph.at(id).block != kNoBlock &&
                graph.at(id).type == ir::Type::Integer && has_value(graph.at(id)) && machine.is_known(id)) {
                ASSERT_LE(machine.value(id), bound_of(graph, id)) << "turn " << turn << ", node " << id;
            }
        }
    }
}

} // namespace

} // namespace ashlar::jit::optimizer::test
