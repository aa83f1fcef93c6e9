#include "jit/optimizer/allocate.h"

#include <algorithm>
#include <bit>

#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

bool Allocation::run(Graph& graph, const RegisterFile& file) {
    graph_ = &graph;
    file_ = &file;
    pinned_ = file.pinned_slots();
    pinned_registers_ = 0;
    for_each_bit(pinned_, [&](unsigned slot) {
        pinned_registers_ = static_cast<std::uint16_t>(pinned_registers_ | 1u << file.pinned[slot]);
    });
    spilled_ = 0;
    std::fill_n(locations_.begin(), graph.nodes.size(), Location{});
    number();
    find_live();
    find_hints();
    return assign();
}

// Constants are part of the instructions that use them.
bool Allocation::is_allocated(const Node& node) const {
    return has_value(node) && !(node.kind == Kind::Operation && node.opcode == Opcode::Constant);
}

void Allocation::number() {
    std::uint32_t position = 2;
    for (const BlockId id : graph_->order) {
        from_[id] = position;
        position += 2;
        for (NodeId n = graph_->blocks[id].first; n != kNoNode; n = graph_->at(n).next) {
            position_[n] =
                graph_->at(n).kind == Kind::Phi || graph_->at(n).kind == Kind::Entry ? from_[id] : position;
            position += 2;
        }
        to_[id] = position;
        position += 2;
    }
}

void Allocation::use(NodeId id, std::uint32_t position, std::uint64_t weight, std::uint64_t* live) {
    if (id == kNoNode)
        return;
    id = graph_->resolve(id);
    if (graph_->at(id).sunk) {
        for (const NodeId operand : graph_->at(id).operands)
            use(operand, position, 0, live);
        return;
    }
    if (!is_allocated(graph_->at(id)))
        return;
    live[id / 64] |= std::uint64_t{1} << (id % 64);
    Interval& interval = intervals_[id];
    interval.last = std::max(interval.last, position);
    interval.weight += weight;
}

// A phi's operands are looked at where the blocks before its own end.
void Allocation::find_phi_uses(BlockId id, const Node& phi) {
    const BasicBlock& block = graph_->blocks[id];
    for (unsigned p = 0; p < block.predecessor_count; ++p) {
        const BlockId from = block.predecessors[p];
        const BasicBlock& before = graph_->blocks[from];
        const bool twice = before.end == BasicBlock::End::Branch && before.taken.target == id &&
                           before.not_taken.target == id;
        use(graph_->phis[phi.phi].values[p], to_[from], std::uint64_t{before.weight} * (twice ? 2 : 1),
            row(used_behind_, from));
    }
}

void Allocation::find_uses(BlockId id) {
    const BasicBlock& block = graph_->blocks[id];
    std::uint64_t* const used = row(used_, id);
    std::uint64_t* const defined = row(defined_, id);
    for (NodeId n = block.first; n != kNoNode; n = graph_->at(n).next) {
        const Node& node = graph_->at(n);
        if (node.sunk)
            continue;
        defined[n / 64] |= std::uint64_t{1} << (n % 64);
        if (node.kind == Kind::Phi)
            find_phi_uses(id, node);
        if (node.kind == Kind::Phi || node.kind == Kind::Entry)
            continue;
        // The result may take the place of the first operand, but not where that is read after it is written.
        // Of operations that commute either operand's.
        const unsigned first = node.kind == Kind::Probe ? 1 : 0;
        const unsigned others = is_exchangeable(node) ? 0 : 1;
        for (unsigned i = 0; i < 3; ++i)
            use(node.operands[i], position_[n] + (i == 0 ? first : others), block.weight, used);
    }
    for_each_end_operand(block, [&](NodeId of) { use(of, to_[id], block.weight, used); });
    for_each_exit_value(*graph_, id, pinned_, [&](NodeId value, NodeId last) {
        use(value, last == kNoNode ? to_[id] : position_[last] + 1, 0, used);
    });
}

// What is live where each block begins.
void Allocation::propagate() {
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t o = graph_->order.size(); o-- > 0;) {
            const BlockId id = graph_->order[o];
            const BasicBlock& block = graph_->blocks[id];
            const BlockId taken = block.taken.target;
            const BlockId other = block.end == BasicBlock::End::Branch ? block.not_taken.target : kNoBlock;
            std::uint64_t* const behind = row(used_behind_, id); // becomes what is live at the end
            for (std::size_t w = 0; w < words_; ++w) {
                if (taken != kNoBlock)
                    behind[w] |= row(live_in_, taken)[w];
                if (other != kNoBlock)
                    behind[w] |= row(live_in_, other)[w];
                const std::uint64_t live = (behind[w] | row(used_, id)[w]) & ~row(defined_, id)[w];
                changed = changed || live != row(live_in_, id)[w];
                row(live_in_, id)[w] = live;
            }
        }
    }
}

void Allocation::extend(const std::uint64_t* live, std::uint32_t position) {
    for (std::size_t w = 0; w < words_; ++w)
        for_each_bit(live[w], [&](unsigned bit) {
            Interval& interval = intervals_[w * 64 + bit];
            interval.first = std::min(interval.first, position);
            interval.last = std::max(interval.last, position);
        });
}

void Allocation::find_live() {
    for (std::size_t i = 0; i < graph_->nodes.size(); ++i)
        intervals_[i] = {position_[i], position_[i], 0, kNoNode};
    words_ = (graph_->nodes.size() + 63) / 64;
    for (Sets* const sets : {&used_, &used_behind_, &defined_, &live_in_})
        std::fill_n(sets->begin(), words_ * graph_->blocks.size(), 0);
    for (const BlockId id : graph_->order)
        find_uses(id);
    propagate();
    for (const BlockId id : graph_->order) {
        extend(row(used_behind_, id), to_[id]);
        extend(row(live_in_, id), from_[id]);
    }
}

void Allocation::find_hints() {
    for (const BlockId id : graph_->order) {
        const BasicBlock& block = graph_->blocks[id];
        for (NodeId n = block.first; n != kNoNode; n = graph_->at(n).next) {
            const Node& node = graph_->at(n);
            if (node.kind == Kind::Phi)
                for (unsigned p = 0; p < block.predecessor_count; ++p) {
                    const NodeId operand = graph_->resolve(graph_->phis[node.phi].values[p]);
                    Interval& from = intervals_[operand];
                    // The back edge's operand follows the phi; the phi follows what enters the loop.
                    if (graph_->blocks[block.predecessors[p]].order >= block.order)
                        from.hint = n;
                    else if (intervals_[n].hint == kNoNode)
                        intervals_[n].hint = operand;
                    else if (from.hint == kNoNode)
                        from.hint = n;
                }
            else if (node.kind == Kind::Operation && intervals_[n].hint == kNoNode &&
                     node.operands[0] != kNoNode)
                intervals_[n].hint = node.operands[0];
        }
    }
}

// What is as soon computed again as loaded.
bool Allocation::is_recomputed(NodeId id) const {
    return graph_->is_operation(id, Opcode::PcRelative) || graph_->nodes[id].kind == Kind::Extent;
}

// A spilled value lives in a slot for all its life; one from the region's entry stays where it is.
void Allocation::spill(NodeId id) {
    const Node& node = graph_->at(id);
    if (node.kind == Kind::Entry) {
        locations_[id] = {Location::Kind::Slot, static_cast<std::uint8_t>(node.immediate)};
        return;
    }
    if (is_recomputed(id)) {
        locations_[id] = {Location::Kind::Recompute, 0};
        return;
    }
    locations_[id] = {};
    in_memory_.push(id);
}

int Allocation::choose(NodeId id, std::uint16_t free) const {
    const Node& node = graph_->nodes[id];
    const auto is_free = [&](int number) { return number >= 0 && (free >> number & 1) != 0; };
    if (node.kind == Kind::Entry && is_free(file_->pinned[static_cast<std::size_t>(node.immediate)]))
        return file_->pinned[static_cast<std::size_t>(node.immediate)];
    const auto kind = node.type == ir::Type::Float ? Location::Kind::Float : Location::Kind::Register;
    for (NodeId hint = intervals_[id].hint, depth = 0; hint != kNoNode && depth < 3;
         hint = intervals_[hint].hint, ++depth)
        if (locations_[hint].kind == kind && is_free(locations_[hint].index))
            return locations_[hint].index;
    if (is_exchangeable(node) && locations_[node.operands[1]].kind == kind &&
        is_free(locations_[node.operands[1]].index))
        return locations_[node.operands[1]].index;
    if (node.kind == Kind::Phi && is_free(file_->pinned[static_cast<std::size_t>(node.immediate)]))
        return file_->pinned[static_cast<std::size_t>(node.immediate)];
    const std::uint16_t others =
        static_cast<std::uint16_t>(node.type == ir::Type::Float ? free : free & ~pinned_registers_);
    return std::countr_zero(others != 0 ? others : free);
}

void Allocation::assign_class(bool floating) {
    std::array<NodeId, 16> holder{};
    holder.fill(kNoNode);
    const std::uint16_t all = floating ? file_->floating : file_->integer;
    std::uint16_t free = all;
    const auto kind = floating ? Location::Kind::Float : Location::Kind::Register;
    // How much is gained for how long a register is taken. What is looked at all around a large loop is worth
    // it more than its length says: something short beside it can give way.
    constexpr std::uint32_t kLong = 320;
    const auto density = [&](NodeId id) {
        const Interval& interval = intervals_[id];
        return interval.weight * 64 / (std::min(interval.last - interval.first, kLong) + 8);
    };
    for (const NodeId id : sorted_) {
        if ((graph_->at(id).type == ir::Type::Float) != floating)
            continue;
        const Interval& interval = intervals_[id];
        for_each_bit(std::uint64_t{all} & ~std::uint64_t{free}, [&](unsigned r) {
            if (intervals_[holder[r]].last <= interval.first) {
                holder[r] = kNoNode;
                free = static_cast<std::uint16_t>(free | 1u << r);
            }
        });
        const Node& node = graph_->at(id);
        // What is looked at once for each time that the region is entered is as well read from memory.
        const bool once = node.kind == Kind::Entry && interval.weight <= graph_->blocks[0].weight &&
                          file_->pinned[static_cast<std::size_t>(node.immediate)] < 0;
        const bool recomputed = is_recomputed(id) && interval.weight <= graph_->blocks[0].weight;
        if (once || recomputed) {
            spill(id);
            continue;
        }
        if (free == 0) {
            NodeId victim = id;
            for (const NodeId other : holder)
                if (other != kNoNode && density(other) < density(victim))
                    victim = other;
            if (victim != id) {
                const std::uint8_t number = locations_[victim].index;
                holder[number] = kNoNode;
                free = static_cast<std::uint16_t>(1u << number);
            }
            spill(victim);
            if (victim == id)
                continue;
        }
        const int number = choose(id, free);
        holder[static_cast<std::size_t>(number)] = id;
        free = static_cast<std::uint16_t>(free & ~(1u << number));
        locations_[id] = {kind, static_cast<std::uint8_t>(number)};
    }
}

bool Allocation::assign() {
    sorted_.clear();
    for (const BlockId block : graph_->order)
        for (NodeId n = graph_->blocks[block].first; n != kNoNode; n = graph_->at(n).next) {
            const bool used = intervals_[n].last > intervals_[n].first;
            if (used && is_allocated(graph_->at(n)) && !graph_->at(n).sunk)
                sorted_.push(n);
        }
    const auto is_before = [&](NodeId a, NodeId b) {
        return intervals_[a].first != intervals_[b].first ? intervals_[a].first < intervals_[b].first : a < b;
    };
    if (!std::is_sorted(sorted_.begin(), sorted_.end(), is_before)) // it mostly is
        std::sort(sorted_.begin(), sorted_.end(), is_before);
    in_memory_.clear();
    assign_class(false);
    assign_class(true);
    return assign_slots();
}

} // namespace ashlar::jit::optimizer
