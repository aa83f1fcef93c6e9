// Where values live that have no register. Best is the slot of the guest's register that a value is for:
// exits find it there, and so do phis.
#include <algorithm>

#include "jit/optimizer/allocate.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

// Exits leave alone what is as it was at the region's entry. So a guest's slot is free only when no exit
// follows that does, unless the slot's value is in a register outside regions. Returns the slots that exits
// of the block need so; `behind`, those that are needed where it ends, grows by those that its end needs.
std::uint64_t Allocation::kept_slots(BlockId id, std::uint64_t& behind) {
    const BasicBlock& block = graph_->blocks[id];
    const std::uint64_t candidates = graph_->changed_slots & ~pinned_ & ~std::uint64_t{1};
    std::uint64_t kept = 0, within = 0;
    unsigned sets = 0;
    const auto put = [&](unsigned slot, NodeId node) {
        const std::uint64_t bit = std::uint64_t{1} << slot;
        kept = graph_->resolve(node) == graph_->entries[slot] ? kept | (bit & candidates) : kept & ~bit;
    };
    const auto go_to = [&](unsigned to) {
        if (to < sets) { // a node that was moved
            sets = 0;
            for_each_bit(candidates, [&](unsigned slot) { put(slot, block.entry[slot]); });
        }
        for (; sets < to; ++sets)
            put(graph_->sets[block.first_set + sets].slot, graph_->sets[block.first_set + sets].node);
    };
    for_each_bit(candidates, [&](unsigned slot) { put(slot, block.entry[slot]); });
    for (NodeId n = block.first; n != kNoNode; n = graph_->at(n).next) {
        const Node& node = graph_->at(n);
        if (!exits(node))
            continue;
        go_to(node.sets);
        within |= kept;
        for_each_bit(kept, [&](unsigned slot) { taken_[slot] = std::max(taken_[slot], position_[n] + 1); });
    }
    if (leaves_at_end(block)) {
        go_to(block.set_count);
        within |= kept;
        behind |= kept;
    }
    return within;
}

void Allocation::find_homes() {
    std::fill_n(homes_.begin(), graph_->nodes.size(), std::uint8_t{0});
    taken_.fill(0);
    std::array<std::uint64_t, kMaxBlocks> used{}, behind{};
    for (const BlockId id : graph_->order) {
        used[id] = kept_slots(id, behind[id]);
        const BasicBlock& block = graph_->blocks[id];
        for (unsigned i = 0; i < block.set_count; ++i) {
            const StateSet& set = graph_->sets[block.first_set + i];
            homes_[graph_->resolve(set.node)] = set.slot;
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t o = graph_->order.size(); o-- > 0;) {
            const BlockId id = graph_->order[o];
            const BasicBlock& block = graph_->blocks[id];
            std::uint64_t live = behind[id];
            if (block.taken.target != kNoBlock)
                live |= used[block.taken.target];
            if (block.end == BasicBlock::End::Branch && block.not_taken.target != kNoBlock)
                live |= used[block.not_taken.target];
            changed = changed || (live & ~(behind[id] & used[id])) != 0;
            behind[id] |= live;
            used[id] |= live;
        }
    }
    for (const BlockId id : graph_->order)
        for_each_bit(behind[id], [&](unsigned slot) { taken_[slot] = std::max(taken_[slot], to_[id]); });
    // What is from the entry and lives there all the time.
    for (unsigned slot = 1; slot < kValueSlots; ++slot) {
        const NodeId entry = graph_->entries[slot];
        if (locations_[entry].kind == Location::Kind::Slot)
            taken_[slot] = std::max(taken_[slot], intervals_[entry].last);
    }
}

// False when there are not enough.
bool Allocation::assign_slots() {
    spilled_ = 0;
    if (in_memory_.empty())
        return true;
    find_homes();
    temporaries_.fill(0);
    std::sort(in_memory_.begin(), in_memory_.end(), [&](NodeId a, NodeId b) {
        return intervals_[a].first != intervals_[b].first ? intervals_[a].first < intervals_[b].first : a < b;
    });
    for (const NodeId id : in_memory_) {
        const Node& node = graph_->at(id);
        const Interval& interval = intervals_[id];
        const std::size_t home =
            node.kind == Kind::Phi ? static_cast<std::size_t>(node.immediate) : homes_[id];
        if (home != 0 && taken_[home] <= interval.first) {
            taken_[home] = interval.last;
            locations_[id] = {Location::Kind::Slot, static_cast<std::uint8_t>(home)};
            continue;
        }
        std::size_t slot = 0;
        while (slot < file_->spill_slots && temporaries_[slot] > interval.first)
            ++slot;
        if (slot == file_->spill_slots)
            return false;
        temporaries_[slot] = interval.last;
        spilled_ = std::max(spilled_, slot + 1);
        locations_[id] = {Location::Kind::Slot, static_cast<std::uint8_t>(file_->first_spill_slot + slot)};
    }
    return true;
}

} // namespace ashlar::jit::optimizer
