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
    spilled_ = 0;
    locations_.fill({});
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

void Allocation::use(NodeId id, std::uint32_t position, std::uint64_t weight, Bits& live, bool record) {
    if (id == kNoNode)
        return;
    id = graph_->resolve(id);
    if (!is_allocated(graph_->at(id)))
        return;
    live[id / 64] |= std::uint64_t{1} << (id % 64);
    if (record) {
        Interval& interval = intervals_[id];
        interval.last = std::max(interval.last, position);
        interval.weight += weight;
    }
}

// From what is live at the block's end to what is live at its beginning. With `record`, the intervals grow.
void Allocation::transfer(BlockId block, Bits& live, bool record) {
    const BasicBlock& of = graph_->blocks[block];
    const auto state = [&](unsigned sets, std::uint32_t position) {
        graph_->for_each_changed(block, sets, pinned_,
                                 [&](unsigned, NodeId value) { use(value, position, 0, live, record); });
    };
    const bool leaves =
        of.end == BasicBlock::End::Indirect || of.taken.target == kNoBlock || of.taken.backward ||
        (of.end == BasicBlock::End::Branch && (of.not_taken.target == kNoBlock || of.not_taken.backward));
    if (leaves)
        state(of.set_count, to_[block]);
    for_each_end_operand(of, [&](NodeId id) { use(id, to_[block], of.weight, live, record); });
    for (NodeId n = of.last; n != kNoNode; n = graph_->at(n).previous) {
        const Node& node = graph_->at(n);
        live[n / 64] &= ~(std::uint64_t{1} << (n % 64));
        if (node.kind == Kind::Phi || node.kind == Kind::Entry)
            continue;
        if (exits(node))
            state(node.sets, position_[n] + 1);
        for (unsigned i = 0; i < 3; ++i)
            use(node.operands[i], position_[n] + (i == 0 ? 0 : 1), of.weight, live, record);
    }
}

void Allocation::find_live() {
    for (std::size_t i = 0; i < graph_->nodes.size(); ++i)
        intervals_[i] = {position_[i], position_[i], 0, kNoNode};
    for (Bits& bits : live_in_)
        bits.fill(0);
    const auto live_out = [&](BlockId id, Bits& live, bool record) {
        const BasicBlock& block = graph_->blocks[id];
        const auto successor = [&](BlockId target) {
            if (target == kNoBlock)
                return;
            for (std::size_t w = 0; w < live.size(); ++w)
                live[w] |= live_in_[target][w];
            const BasicBlock& to = graph_->blocks[target];
            for (NodeId n = to.first; n != kNoNode; n = graph_->at(n).next) {
                const Node& phi = graph_->at(n);
                if (phi.kind != Kind::Phi)
                    continue;
                for (unsigned p = 0; p < to.predecessor_count; ++p)
                    if (to.predecessors[p] == id)
                        use(graph_->phis[phi.phi].values[p], to_[id], block.weight, live, record);
            }
        };
        successor(block.taken.target);
        if (block.end == BasicBlock::End::Branch)
            successor(block.not_taken.target);
    };
    Bits& live = graph_->work_bits;
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t o = graph_->order.size(); o-- > 0;) {
            const BlockId id = graph_->order[o];
            live.fill(0);
            live_out(id, live, false);
            transfer(id, live, false);
            if (live != live_in_[id]) {
                live_in_[id] = live;
                changed = true;
            }
        }
    }
    for (const BlockId id : graph_->order) {
        live.fill(0);
        live_out(id, live, true);
        const auto extend = [&](const Bits& bits, std::uint32_t position) {
            for (std::size_t w = 0; w < bits.size(); ++w)
                for (std::uint64_t rest = bits[w]; rest != 0; rest &= rest - 1) {
                    Interval& interval =
                        intervals_[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
                    interval.first = std::min(interval.first, position);
                    interval.last = std::max(interval.last, position);
                }
        };
        extend(live, to_[id]);
        extend(live_in_[id], from_[id]);
        transfer(id, live, true);
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

// A spilled value lives in a slot for all its life; one from the region's entry stays where it is.
bool Allocation::spill(NodeId id) {
    const Node& node = graph_->at(id);
    if (node.kind == Kind::Entry) {
        locations_[id] = {Location::Kind::Slot, static_cast<std::uint8_t>(node.immediate)};
        return true;
    }
    if (node.kind == Kind::Operation && node.opcode == Opcode::PcRelative) {
        locations_[id] = {Location::Kind::Recompute, 0};
        return true;
    }
    if (spilled_ == file_->spill_slots)
        return false;
    locations_[id] = {Location::Kind::Slot, static_cast<std::uint8_t>(file_->first_spill_slot + spilled_++)};
    return true;
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
    if (node.kind == Kind::Phi && is_free(file_->pinned[static_cast<std::size_t>(node.immediate)]))
        return file_->pinned[static_cast<std::size_t>(node.immediate)];
    std::uint16_t others = free;
    if (node.type != ir::Type::Float)
        for (const std::int8_t pinned : file_->pinned)
            if (pinned >= 0)
                others = static_cast<std::uint16_t>(others & ~(1u << pinned));
    return std::countr_zero(others != 0 ? others : free);
}

bool Allocation::assign_class(bool floating) {
    std::array<NodeId, 16> holder{};
    holder.fill(kNoNode);
    std::uint16_t free = floating ? file_->floating : file_->integer;
    const auto kind = floating ? Location::Kind::Float : Location::Kind::Register;
    const auto density = [&](NodeId id) {
        const Interval& interval = intervals_[id];
        return interval.weight * 64 / (interval.last - interval.first + 8);
    };
    for (const NodeId id : sorted_) {
        if ((graph_->at(id).type == ir::Type::Float) != floating)
            continue;
        const Interval& interval = intervals_[id];
        for (unsigned r = 0; r < 16; ++r)
            if (holder[r] != kNoNode && intervals_[holder[r]].last <= interval.first) {
                holder[r] = kNoNode;
                free = static_cast<std::uint16_t>(free | 1u << r);
            }
        const Node& node = graph_->at(id);
        // What is looked at once for each time that the region is entered is as well read from memory.
        const bool once = node.kind == Kind::Entry && interval.weight <= graph_->blocks[0].weight &&
                          file_->pinned[static_cast<std::size_t>(node.immediate)] < 0;
        if (once) {
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
            if (!spill(victim))
                return false;
            if (victim == id)
                continue;
        }
        const int number = choose(id, free);
        holder[static_cast<std::size_t>(number)] = id;
        free = static_cast<std::uint16_t>(free & ~(1u << number));
        locations_[id] = {kind, static_cast<std::uint8_t>(number)};
    }
    return true;
}

bool Allocation::assign() {
    sorted_.clear();
    for (const BlockId block : graph_->order)
        for (NodeId n = graph_->blocks[block].first; n != kNoNode; n = graph_->at(n).next) {
            const bool used = intervals_[n].last > intervals_[n].first;
            if (used && is_allocated(graph_->at(n)))
                sorted_.push(n);
        }
    std::sort(sorted_.begin(), sorted_.end(), [&](NodeId a, NodeId b) {
        return intervals_[a].first != intervals_[b].first ? intervals_[a].first < intervals_[b].first : a < b;
    });
    return assign_class(false) && assign_class(true);
}

} // namespace ashlar::jit::optimizer
