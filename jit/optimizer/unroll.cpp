#include "jit/optimizer/unroll.h"

#include <algorithm>
#include <bitset>

namespace ashlar::jit::optimizer {

namespace {

// Turns in a row, and guest instructions that these may have together.
constexpr std::size_t kMostTurns = 4, kMostInstructions = 48;

using Blocks = std::bitset<kMaxBlocks>;

class Unrolling {
public:
    Unrolling(RegionSource& source, std::size_t room) : source_(source), room_(room) {}

    void run() {
        find_edges();
        find_order();
        const std::size_t count = source_.blocks.size();
        for (std::size_t header = 0; header < count; ++header)
            if (Blocks members; is_header_[header] && find_loop(header, members))
                unroll(header, members);
    }

private:
    template <class Visit>
    void for_each_successor(std::size_t from, Visit visit) {
        const SourceBlock& block = source_.blocks[from];
        const auto go = [&](std::int16_t to) {
            if (to != SourceBlock::kOutside)
                visit(static_cast<std::size_t>(to));
        };
        go(block.taken);
        go(block.not_taken);
        for (std::size_t i = 0; i < block.way_count; ++i)
            go(source_.ways[block.first_way + i].block);
    }

    void find_edges() {
        for (std::size_t i = 0; i < source_.blocks.size(); ++i)
            for_each_successor(i, [&](std::size_t to) { before_[to].set(i); });
    }

    // Depth first: an edge to a block that has not been left yet goes back to a loop's header.
    void find_order() {
        Blocks visited, left;
        std::array<std::uint8_t, kMaxBlocks> stack{};
        std::size_t depth = 0;
        stack[depth++] = 0;
        visited.set(0);
        while (depth != 0) {
            const std::size_t id = stack[depth - 1];
            bool descends = false;
            for_each_successor(id, [&](std::size_t to) {
                if (visited[to] && !left[to] && !descends) {
                    back_[to].set(id);
                    is_header_.set(to);
                } else if (!visited[to] && !descends) {
                    visited.set(to);
                    stack[depth++] = static_cast<std::uint8_t>(to);
                    descends = true;
                }
            });
            if (!descends) {
                left.set(id);
                --depth;
            }
        }
    }

    // False when it holds another, is entered elsewhere, or jumps to where nobody knows.
    bool find_loop(std::size_t header, Blocks& members) {
        members.set(header);
        std::array<std::uint8_t, kMaxBlocks> work{};
        std::size_t count = 0;
        const auto enter = [&](const Blocks& blocks) {
            for (std::size_t i = 0; i < source_.blocks.size(); ++i)
                if (blocks[i] && !members[i]) {
                    members.set(i);
                    work[count++] = static_cast<std::uint8_t>(i);
                }
        };
        enter(back_[header]);
        while (count != 0) {
            const std::size_t id = work[--count];
            if (id == 0 || is_header_[id])
                return false;
            enter(before_[id]);
        }
        for (std::size_t i = 0; i < source_.blocks.size(); ++i)
            if (members[i] && source_.blocks[i].way_count != 0)
                return false;
        return true;
    }

    void unroll(std::size_t header, const Blocks& members) {
        std::size_t instructions = 0;
        for (std::size_t i = 0; i < source_.blocks.size(); ++i)
            instructions += members[i] ? source_.blocks[i].guest_instructions : 0;
        if (instructions == 0)
            return;
        const std::size_t room = std::min(room_, kMaxBlocks - 1 - source_.blocks.size());
        std::size_t turns = std::min(kMostTurns, kMostInstructions / instructions);
        while (turns > 1 && (members.count() * (turns - 1) > room || !has_room_behind(members, turns)))
            --turns;
        if (turns < 2)
            return;
        room_ -= members.count() * (turns - 1);
        copy(header, members, turns);
    }

    void copy(std::size_t header, const Blocks& members, std::size_t turns) {
        const std::size_t first = source_.blocks.size(), count = members.count();
        std::array<std::uint8_t, kMaxBlocks> place{}; // of a member among them
        std::size_t next = 0;
        for (std::size_t i = 0; i < first; ++i)
            if (members[i])
                place[i] = static_cast<std::uint8_t>(next++);
        const auto copy_of = [&](std::size_t block, std::size_t turn) {
            return turn == 0 ? block : first + (turn - 1) * count + place[block];
        };
        const auto redirect = [&](std::int16_t& target, std::size_t turn) {
            const auto to = static_cast<std::size_t>(target);
            if (target != SourceBlock::kOutside && members[to])
                target = static_cast<std::int16_t>(copy_of(to, to == header ? (turn + 1) % turns : turn));
        };
        for (std::size_t turn = 1; turn < turns; ++turn)
            for (std::size_t i = 0; i < first; ++i)
                if (members[i])
                    source_.blocks.push(source_.blocks[i]);
        for (std::size_t turn = 0; turn < turns; ++turn)
            for (std::size_t i = 0; i < first; ++i)
                if (members[i]) {
                    SourceBlock& block = source_.blocks[copy_of(i, turn)];
                    block.repeats = turn != 0;
                    redirect(block.taken, turn);
                    redirect(block.not_taken, turn);
                }
        for (std::size_t i = first; i < source_.blocks.size(); ++i)
            for_each_successor(i, [&](std::size_t to) { before_[to].set(i); });
    }

    // For what leads out of the copies.
    bool has_room_behind(const Blocks& members, std::size_t turns) {
        for (std::size_t to = 0; to < source_.blocks.size(); ++to)
            if (!members[to] &&
                before_[to].count() + (before_[to] & members).count() * (turns - 1) > kMaxPredecessors / 2)
                return false;
        return true;
    }

    RegionSource& source_;
    std::size_t room_;
    std::array<Blocks, kMaxBlocks> before_{}, back_{}; // predecessors; those in loops of the block
    Blocks is_header_;
};

} // namespace

void unroll_loops(RegionSource& source, std::size_t blocks) {
    if (!source.blocks.empty())
        Unrolling(source, blocks).run();
}

} // namespace ashlar::jit::optimizer
