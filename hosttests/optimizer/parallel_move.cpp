// Moves at once, one by one: random moves against registers and slots that all change together.
#include "jit/backend/x86_64/parallel_move.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace ashlar::jit::x86_64 {

namespace {

using optimizer::Location;
using Kind = Location::Kind;

constexpr Location kAside{Kind::Register, 0}, kFloatAside{Kind::Float, 15};

// What places hold.
class Places {
public:
    Places() {
        for (std::size_t i = 0; i < values_.size(); ++i)
            values_[i] = 0xdead'0000'0000'0000 + i;
    }
    std::uint64_t& at(const Location& location) {
        return values_[static_cast<std::size_t>(location.kind) * 256 + location.index];
    }
    std::uint64_t read(const Move& move) {
        const std::uint64_t value =
            move.from.kind == Kind::Recompute ? 0xc0'0000'0000u + move.node : at(move.from);
        return move.extend ? static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(value)})
                           : value;
    }
    bool operator==(const Places&) const = default;

private:
    std::array<std::uint64_t, 6 * 256> values_{};
};

void apply_at_once(const Moves& moves, Places& places) {
    Places before = places;
    for (const Move& move : moves)
        places.at(move.to) = before.read(move);
}

// As the emitter does: integers and slots are put aside in one register, floating-point registers in another.
void apply_in_order(Moves moves, Places& places) {
    order_moves(
        moves, [&](const Move& move) { places.at(move.to) = places.read(move); },
        [&](const Location& location) {
            const Location aside = location.kind == Kind::Float ? kFloatAside : kAside;
            places.at(aside) = places.at(location);
            return aside;
        });
    EXPECT_TRUE(moves.empty());
    places.at(kAside) = Places().at(kAside);
    places.at(kFloatAside) = Places().at(kFloatAside);
}

void expect_same(const Moves& moves) {
    Places expected, actual;
    apply_at_once(moves, expected);
    apply_in_order(moves, actual);
    EXPECT_EQ(expected, actual);
}

Location reg(unsigned index) {
    return {Kind::Register, static_cast<std::uint8_t>(index)};
}

TEST(ParallelMove, NothingIsLostInAChain) {
    // Given: 1 -> 2 -> 3 -> 4, in the order that would overwrite each source
    Moves moves;
    for (unsigned i = 1; i < 4; ++i)
        moves.push({reg(i + 1), reg(i), optimizer::kNoNode, false});
    expect_same(moves);
}

TEST(ParallelMove, ExchangesAndLongerCycles) {
    for (unsigned length = 2; length <= 13; ++length) {
        Moves moves;
        for (unsigned i = 0; i < length; ++i)
            moves.push({reg(1 + (i + 1) % length), reg(1 + i), optimizer::kNoNode, false});
        expect_same(moves);
    }
}

TEST(ParallelMove, AMoveToItselfIsNothingUnlessItExtends) {
    Moves moves;
    moves.push({reg(3), reg(3), optimizer::kNoNode, false});
    int emitted = 0;
    const auto count = [&](const Move&) { ++emitted; };
    const auto never = [](const Location& location) {
        ADD_FAILURE() << "nothing is to be put aside";
        return location;
    };
    order_moves(moves, count, never);
    EXPECT_EQ(emitted, 0);
    moves.push({reg(3), reg(3), optimizer::kNoNode, true});
    order_moves(moves, count, never);
    EXPECT_EQ(emitted, 1);
}

TEST(ParallelMove, AValueForManyPlaces) {
    Moves moves;
    for (unsigned i = 2; i < 9; ++i)
        moves.push({reg(i), reg(1), optimizer::kNoNode, i % 2 == 0});
    moves.push({reg(1), reg(2), optimizer::kNoNode, false});
    expect_same(moves);
}

TEST(ParallelMove, RandomMovesAmongRegistersAndSlots) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 20000; ++round) {
        // Given: distinct destinations, arbitrary sources, so permutations with cycles are frequent
        std::vector<Location> integers, floats;
        for (std::uint8_t i = 1; i < 8; ++i)
            integers.push_back({Kind::Register, i});
        for (std::uint8_t i = 100; i < 105; ++i)
            integers.push_back({Kind::Slot, i});
        for (std::uint8_t i = 0; i < 6; ++i)
            floats.push_back({Kind::Float, i});
        Moves moves;
        for (std::vector<Location>* places : {&integers, &floats}) {
            std::vector<Location> targets = *places;
            std::shuffle(targets.begin(), targets.end(), random);
            std::shuffle(places->begin(), places->end(), random);
            const std::size_t count = random() % (targets.size() + 1);
            const bool permutes = random() % 2 == 0;
            for (std::size_t i = 0; i < count; ++i) {
                Location from = permutes ? (*places)[i] : (*places)[random() % places->size()];
                if (places == &integers && random() % 8 == 0)
                    from = {Kind::Recompute, 0};
                const bool extends = places == &integers && from.kind != Kind::Recompute && random() % 4 == 0;
                moves.push({targets[i], from, static_cast<optimizer::NodeId>(random() % 100), extends});
            }
        }
        expect_same(moves);
        if (testing::Test::HasFailure())
            FAIL() << "in round " << round;
    }
}

} // namespace

} // namespace ashlar::jit::x86_64
