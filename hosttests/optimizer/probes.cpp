// Which probe stands for which access.
#include <gtest/gtest.h>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Builder;
using ir::Condition;
using ir::Opcode;
using ir::Value;

constexpr unsigned kPaged = kAllPasses & ~kExtents;

Graph& optimize_paged(const RegionSource& source, unsigned passes = kPaged) {
    return optimize(source, passes);
}

// One block; each of `make` is a guest instruction.
template <class... Make>
Region block(Make... make) {
    Region region;
    region.begin(0);
    (..., (region.next(), make(region.build())));
    region.jump(SourceBlock::kOutside);
    return region;
}

auto load(unsigned base, std::int32_t at, unsigned to = 3) {
    return [=](Builder& b) { b.set(to, b.load({8}, ir::Type::Integer, b.get(base), at)); };
}
auto store(unsigned base, std::int32_t at) {
    return [=](Builder& b) { b.store({8}, b.get(base), at, b.get(4)); };
}

TEST(Probes, AccessesThroughOneValueShareOne) {
    const Region region = block(load(8, 0), load(8, 24), load(8, -16), load(9, 0));
    const std::vector<Node> probes = nodes(optimize_paged(region.source()), Kind::Probe);
    ASSERT_EQ(probes.size(), 2u);
    EXPECT_EQ(probes[0].low, -16);
    EXPECT_EQ(probes[0].high, 32);
    EXPECT_EQ(nodes(optimize_paged(region.source(), kPaged & ~kShareProbes), Kind::Probe).size(), 4u);
}

TEST(Probes, DistancesAddUp) {
    const Region region = block(load(8, 0), [](Builder& b) {
        const Value moved = b.binary(Opcode::Add, b.get(8), b.constant(16));
        b.set(8, moved);
        b.store({8}, moved, 8, b.get(4));
    });
    const std::vector<Node> probes = nodes(optimize_paged(region.source()), Kind::Probe);
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_EQ(probes[0].high, 32);
}

TEST(Probes, FarAccessesHaveTheirOwn) {
    EXPECT_EQ(nodes(optimize_paged(block(load(8, 0), load(8, 1024)).source()), Kind::Probe).size(), 2u);
}

TEST(Probes, AStoreMakesTheProbeOneForWriting) {
    const std::vector<Node> probes =
        nodes(optimize_paged(block(load(8, 0), store(8, 8)).source()), Kind::Probe);
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_TRUE(probes[0].writes);
    EXPECT_TRUE(probes[0].speculative_write)
        << "the store may not happen: no page becomes dirty by the probe";
    const std::vector<Node> written =
        nodes(optimize_paged(block(store(8, 8), load(8, 0)).source()), Kind::Probe);
    ASSERT_EQ(written.size(), 1u);
    EXPECT_FALSE(written[0].speculative_write);
}

// A loop whose slot 8 grows by `step` in each turn, with one access.
Region walk(std::int64_t step, std::int64_t distance, bool writes = false, unsigned base = 8) {
    Region region;
    Builder& b = region.build();
    region.begin(0);
    region.jump(1);
    region.begin(256, 100);
    region.next();
    const Value address = b.binary(Opcode::Add, b.get(base), b.constant(distance));
    if (writes)
        b.store({8}, address, 0, b.get(4));
    else
        b.set(3, b.load({8}, ir::Type::Integer, address, 0));
    region.next();
    const Value moved = b.binary(Opcode::Add, b.get(8), b.constant(step));
    b.set(8, moved);
    region.next();
    const Value left = b.binary(Opcode::Add, b.get(6), b.constant(-1));
    b.set(6, left);
    region.next();
    region.branch(Condition::NotEqual, b.get(6), b.get(0), 1, SourceBlock::kOutside);
    return region;
}

TEST(Probes, OfAddressesThatStayTheSameComeBeforeTheLoop) {
    const std::vector<Node> probes = nodes(optimize_paged(walk(8, 0, true, 9).source()), Kind::Probe);
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_NE(probes[0].block, 2);
    EXPECT_TRUE(probes[0].speculative)
        << "the loop may not be reached: page tables keep no trace of the probe";
}

TEST(Streams, AreAddressesThatGrowSlowly) {
    const auto is_stream = [](std::int64_t step, std::int64_t distance) {
        Graph& graph = optimize_paged(walk(step, distance).source());
        EXPECT_EQ(nodes(graph, Kind::StreamStart).size(), nodes(graph, Kind::StreamProbe).size());
        return nodes(graph, Kind::StreamProbe).size() == 1;
    };
    EXPECT_TRUE(is_stream(8, 0));
    EXPECT_TRUE(is_stream(256, 2000));
    EXPECT_TRUE(is_stream(1, -2048));
    EXPECT_FALSE(is_stream(257, 0));
    EXPECT_FALSE(is_stream(-8, 0));
    EXPECT_FALSE(is_stream(0, 0));
    // A bound on such an address would say nothing about what is accessed where addresses begin anew.
    EXPECT_FALSE(is_stream(256, -8192));
    EXPECT_FALSE(is_stream(256, 5000));
}

TEST(Streams, StayInTheirPagesWhereAddressesBeginAnew) {
    std::mt19937_64 random(1);
    for (const std::int64_t step : {1, 8, 24, 255, 256})
        for (std::int64_t distance = -0x2000; distance <= 0x2000; distance += 0x100 - 8)
            for (const bool writes : {false, true}) {
                const Region region = walk(step, distance, writes);
                Graph& graph = optimize_paged(region.source());
                for (int turn = 0; turn < 4; ++turn) {
                    State state{{},
                                0x8000'0000,
                                Memory({{0, true},
                                        {0x1000, true},
                                        {0x2000, turn % 2 == 0},
                                        {std::uint64_t{0} - 0x1000, true},
                                        {std::uint64_t{0} - 0x2000, true},
                                        {std::uint64_t{0} - 0x3000, true}})};
                    state.slots[8] = static_cast<std::uint64_t>(-0x800 - distance) + random() % 0x400 * 8;
                    state.slots[6] = 400;
                    GraphMachine machine(graph, 1);
                    ASSERT_EQ(difference(region.source(), graph, state, machine), "")
                        << "step " << step << ", distance " << distance;
                }
            }
}

TEST(Probes, ManyAddressesAreRefusedGracefully) {
    // Given: more loads through different values than there are nodes for
    Region region;
    for (int i = 0; i < 60; ++i) {
        region.begin(i * 256);
        for (int n = 0; n < 30; ++n) {
            region.next();
            const Value base = region.build().get(1 + static_cast<unsigned>(n));
            const Value loaded = region.build().load({8}, ir::Type::Integer, base, i * 600);
            region.build().set(1 + static_cast<unsigned>(n), loaded);
        }
        region.jump(static_cast<std::int16_t>(i == 59 ? 0 : i + 1));
    }
    if (!optimizer().run(region.source(), supports_all, register_file(), kAllPasses)) {
        EXPECT_TRUE(optimizer().verdict().ok());
        EXPECT_FALSE(optimizer().refusal().empty());
    }
}

} // namespace

} // namespace ashlar::jit::optimizer::test
