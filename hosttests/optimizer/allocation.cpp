// Register allocation, judged by liveness that is found here in the plainest way.
#include "jit/optimizer/allocate.h"

#include <gtest/gtest.h>

#include <set>

#include "hosttests/optimizer/region.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer::test {

namespace {

using Live = std::set<NodeId>;

class Checker {
public:
    Checker(Graph& graph, const Allocation& allocation, const RegisterFile& file)
        : graph_(graph), allocation_(allocation), file_(file), live_in_(graph.blocks.size()) {}

    std::string run() {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t o = graph_.order.size(); o-- > 0;) {
                Live live = walk(graph_.order[o], false);
                changed = changed || live != live_in_[graph_.order[o]];
                live_in_[graph_.order[o]] = std::move(live);
            }
        }
        for (const BlockId id : graph_.order)
            walk(id, true);
        return error_;
    }

private:
    // Stand for the slots of the context that no value has been put into.
    static constexpr NodeId kUnchanged = kMaxNodes;

    void fail(const std::string& message, NodeId node) {
        if (error_.empty())
            error_ = message + ", node " + std::to_string(node);
    }
    static std::string name(const Location& location) {
        return std::to_string(static_cast<int>(location.kind)) + ":" + std::to_string(location.index);
    }

    void use(NodeId id, Live& live) {
        if (id == kNoNode)
            return;
        id = graph_.resolve(id);
        if (graph_.at(id).sunk) {
            for (const NodeId operand : graph_.at(id).operands)
                use(operand, live);
        } else if (!graph_.is_constant(id)) {
            live.insert(id);
        }
    }
    void use_state(BlockId block, unsigned sets, Live& live) {
        std::uint64_t changed = 0;
        graph_.for_each_changed(block, sets, file_.pinned_slots(), [&](unsigned slot, NodeId value) {
            use(value, live);
            changed |= std::uint64_t{1} << slot;
        });
        // What has not changed is in its slot still.
        for_each_bit(graph_.changed_slots & ~changed & ~std::uint64_t{1},
                     [&](unsigned slot) { live.insert(static_cast<NodeId>(kUnchanged + slot)); });
    }
    Location place_of(NodeId id) const {
        return id < kUnchanged ? allocation_.of(id)
                               : Location{Location::Kind::Slot, static_cast<std::uint8_t>(id - kUnchanged)};
    }

    Live live_behind(BlockId id) {
        const BasicBlock& block = graph_.blocks[id];
        Live live;
        const auto follow = [&](const Edge& edge) {
            if (edge.target == kNoBlock || edge.backward)
                use_state(id, block.set_count, live);
            if (edge.target == kNoBlock)
                return;
            const BasicBlock& to = graph_.blocks[edge.target];
            for (const NodeId value : live_in_[edge.target])
                if (value >= kUnchanged || graph_.at(value).kind != Kind::Phi ||
                    graph_.at(value).block != edge.target)
                    live.insert(value);
            for (NodeId n = to.first; n != kNoNode; n = graph_.at(n).next)
                for (unsigned p = 0; graph_.at(n).kind == Kind::Phi && p < to.predecessor_count; ++p)
                    if (to.predecessors[p] == id)
                        use(graph_.phis[graph_.at(n).phi].values[p], live);
        };
        if (block.end == BasicBlock::End::Indirect)
            use_state(id, block.set_count, live);
        else
            follow(block.taken);
        if (block.end == BasicBlock::End::Branch)
            follow(block.not_taken);
        for_each_end_operand(block, [&](NodeId value) { use(value, live); });
        return live;
    }

    // Backward; what is live where the block begins, its own phis among that.
    Live walk(BlockId id, bool checks) {
        Live live = live_behind(id);
        if (checks)
            check_places(live);
        for (NodeId n = graph_.blocks[id].last; n != kNoNode; n = graph_.at(n).previous) {
            const Node& node = graph_.at(n);
            if (node.kind == Kind::Phi || node.kind == Kind::Entry || node.sunk)
                continue;
            if (checks)
                check_result(n, live);
            live.erase(n);
            Live state, operands;
            if (exits(node))
                use_state(id, node.sets, state);
            const unsigned first = node.kind == Kind::Probe ? 0 : is_exchangeable(node) ? 2 : 1;
            for (unsigned i = first; i < 3; ++i)
                if (node.operands[i] != kNoNode)
                    use(node.operands[i], operands);
            if (checks) {
                check_apart(n, state, "the result takes the place of what the exit needs");
                check_apart(n, operands, "the result takes the place of an operand beside the first");
            }
            for (unsigned i = 0; i < first; ++i)
                use(node.operands[i], operands);
            live.merge(state);
            live.merge(operands);
            if (checks)
                check_places(live);
        }
        if (checks)
            check_start(id, live);
        return live;
    }

    void check_result(NodeId id, const Live& behind) {
        if (!has_value(graph_.at(id)) || graph_.is_constant(id))
            return;
        Live others = behind;
        others.erase(id);
        check_apart(id, others, "the result takes the place of a live value");
    }

    void check_apart(NodeId id, const Live& others, const char* message) {
        const Location place = allocation_.of(id);
        for (const NodeId other : others)
            if (other != id && is_storage(place) && place_of(other) == place)
                fail(std::string(message) + " (" + std::to_string(other) + " in " + name(place) + ")", id);
    }

    // All values have places of their own.
    void check_places(const Live& live) {
        std::set<std::pair<int, int>> taken;
        for (const NodeId id : live) {
            const Location place = place_of(id);
            if (place.kind == Location::Kind::None)
                fail("a live value is nowhere", id);
            if (id < kUnchanged && !is_allowed(id, place))
                fail("a value is at " + name(place), id);
            if (id >= kUnchanged && live.contains(graph_.entries[id - kUnchanged]) &&
                place_of(graph_.entries[id - kUnchanged]) == place)
                continue; // it is the same
            if (is_storage(place) && !taken.insert({static_cast<int>(place.kind), place.index}).second)
                fail("two values are at " + name(place), id);
        }
    }

    // All phis are written at once, among what is live.
    void check_start(BlockId id, Live live) {
        for (NodeId n = graph_.blocks[id].first; n != kNoNode; n = graph_.at(n).next)
            if (graph_.at(n).kind == Kind::Phi && allocation_.of(n).kind != Location::Kind::None)
                live.insert(n);
        check_places(live);
    }

    static bool is_storage(const Location& place) {
        return place.kind == Location::Kind::Register || place.kind == Location::Kind::Float ||
               place.kind == Location::Kind::Slot;
    }
    bool is_allowed(NodeId id, const Location& place) const {
        const Node& node = graph_.nodes[id];
        const bool floating = node.type == ir::Type::Float;
        switch (place.kind) {
        case Location::Kind::Register: return !floating && (file_.integer >> place.index & 1) != 0;
        case Location::Kind::Float: return floating && (file_.floating >> place.index & 1) != 0;
        case Location::Kind::Recompute:
            return graph_.is_operation(id, ir::Opcode::PcRelative) || node.kind == Kind::Extent;
        case Location::Kind::Slot:
            return (node.kind == Kind::Entry && place.index == node.immediate) ||
                   (node.kind != Kind::Entry && place.index != 0 && place.index < kValueSlots) ||
                   (place.index >= file_.first_spill_slot &&
                    place.index < file_.first_spill_slot + file_.spill_slots);
        default: return true;
        }
    }

    Graph& graph_;
    const Allocation& allocation_;
    const RegisterFile& file_;
    std::vector<Live> live_in_;
    std::string error_;
};

void check_random_regions(const RegisterFile& file, std::size_t blocks, std::uint64_t count) {
    std::uint64_t done = 0;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        std::mt19937_64 random(seed * 7919);
        const Region region = random_region(random, blocks);
        const unsigned passes =
            seed % 3 == 0 ? kAllPasses : static_cast<unsigned>(random() % (kAllPasses + 1));
        if (!optimizer().run(region.source(), supports_all, file, passes))
            continue;
        ++done;
        ASSERT_EQ(Checker(optimizer().graph(), optimizer().allocation(), file).run(), "")
            << "seed " << seed << ", passes " << passes << "\n"
            << to_string(optimizer());
    }
    EXPECT_GT(done, count / 2) << "most are refused";
}

TEST(Allocation, KeepsLiveValuesApart) {
    check_random_regions(register_file(), 8, 300);
}

TEST(Allocation, KeepsLiveValuesApartInFewRegisters) {
    check_random_regions(small_register_file(), 8, 300);
}

TEST(Allocation, KeepsLiveValuesApartInLargeRegions) {
    check_random_regions(register_file(), 40, 60);
}

// A loop that adds up five values, more than `file` has registers for when it is small.
Region busy_loop() {
    Region region;
    ir::Builder& build = region.build();
    region.begin(0, 100);
    for (unsigned slot = 1; slot <= 7; ++slot) {
        region.next();
        build.set(slot, build.binary(ir::Opcode::Add, build.get(slot), build.get(slot % 7 + 1)));
    }
    region.next();
    region.branch(ir::Condition::NotEqual, build.get(1), build.get(0), 0, SourceBlock::kOutside);
    return region;
}

TEST(Allocation, SpillsWhatIsLookedAtLeast) {
    // Given: seven values around a loop and five registers
    const Region region = busy_loop();
    const RegisterFile file = small_register_file();
    ASSERT_TRUE(optimizer().run(region.source(), supports_all, file, kAllPasses));
    // Then: some are in the slots that they are for, so that no exit has to put them there
    Graph& graph = optimizer().graph();
    std::size_t at_home = 0;
    for (NodeId n = graph.blocks[1].first; n != kNoNode; n = graph.at(n).next)
        if (const Location place = optimizer().allocation().of(n);
            graph.at(n).kind == Kind::Phi && place.kind == Location::Kind::Slot)
            at_home += place.index == graph.at(n).immediate ? 1 : 0;
    EXPECT_GT(at_home, 0u);
    EXPECT_EQ(optimizer().allocation().spilled(), 0u);
    EXPECT_EQ(Checker(optimizer().graph(), optimizer().allocation(), file).run(), "");
}

TEST(Allocation, RefusesWhatDoesNotFit) {
    RegisterFile file = small_register_file();
    file.integer = 1u << 3 | 1u << 6; // sp's and another
    file.spill_slots = 1;
    // Given: nine values at once that are for no register of the guest
    Region region;
    ir::Builder& build = region.build();
    region.begin(0);
    region.next();
    std::vector<ir::Value> values;
    for (unsigned slot = 1; slot <= 9; ++slot)
        values.push_back(build.binary(ir::Opcode::Multiply, build.get(slot), build.get(slot + 1)));
    for (std::size_t i = 1; i < values.size(); ++i)
        values[i] = build.binary(ir::Opcode::Xor, build.binary(ir::Opcode::Subtract, values[i], values[0]),
                                 values[i - 1]);
    build.set(3, values.back());
    region.next();
    region.branch(ir::Condition::Equal, build.get(3), build.get(0), 0, SourceBlock::kOutside);
    EXPECT_FALSE(optimizer().run(region.source(), supports_all, file, kAllPasses));
    EXPECT_EQ(optimizer().refusal(), "too many values to keep");
}

TEST(Allocation, LeavesLoopsWithoutMoves) {
    // Given: a loop whose values have registers enough
    const Region region = busy_loop();
    const RegisterFile file = register_file();
    ASSERT_TRUE(optimizer().run(region.source(), supports_all, file, kAllPasses));
    // Then: what goes round is where the phi is
    Graph& graph = optimizer().graph();
    const BasicBlock& header = graph.blocks[1];
    for (NodeId n = header.first; n != kNoNode; n = graph.at(n).next)
        for (unsigned p = 0; graph.at(n).kind == Kind::Phi && p < header.predecessor_count; ++p)
            if (header.predecessors[p] == 1) {
                EXPECT_EQ(optimizer().allocation().of(graph.resolve(graph.phis[graph.at(n).phi].values[p])),
                          optimizer().allocation().of(n));
            }
}

} // namespace

} // namespace ashlar::jit::optimizer::test
