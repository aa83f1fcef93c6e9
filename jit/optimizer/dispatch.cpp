#include "jit/optimizer/dispatch.h"

#include <algorithm>

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

class Layout {
public:
    Layout(Graph& graph, BlockId from)
        : graph_(graph), from_(from), first_(static_cast<BlockId>(graph.blocks.size())) {}

    Dispatch run(std::span<LikelyTarget> targets) {
        std::sort(targets.begin(), targets.end(),
                  [](const LikelyTarget& a, const LikelyTarget& b) { return a.pc < b.pc; });
        other_ = create(BasicBlock::End::Indirect, 1);
        const std::uint32_t all = sum(targets);
        scale_ = std::max<std::uint32_t>(1, all);
        Edge& edge = graph_.blocks[from_].taken;
        edge.target = decide(targets);
        return {first_, static_cast<BlockId>(graph_.blocks.size() - first_)};
    }

private:
    static std::uint32_t sum(std::span<const LikelyTarget> targets) {
        std::uint32_t all = 0;
        for (const LikelyTarget& target : targets)
            all += target.weight;
        return all;
    }

    // What is an address's most likely value is asked for at once, else which half it lies in.
    BlockId decide(std::span<LikelyTarget> targets) {
        if (targets.empty())
            return other_;
        const std::uint32_t all = sum(targets);
        const auto likeliest = std::max_element(
            targets.begin(), targets.end(),
            [](const LikelyTarget& a, const LikelyTarget& b) { return a.weight < b.weight; });
        if (targets.size() <= 2 || likeliest->weight * 3 >= all) {
            const LikelyTarget target = *likeliest;
            std::rotate(likeliest, likeliest + 1, targets.end()); // keeps the others in order
            return compare(ir::Condition::Equal, all, target.pc, target.block, target.pc,
                           decide(targets.first(targets.size() - 1)));
        }
        std::uint32_t below = 0;
        std::size_t middle = 0;
        while (below * 2 < all)
            below += targets[middle++].weight;
        middle = std::clamp<std::size_t>(middle, 1, targets.size() - 1);
        const std::int32_t bound = targets[middle].pc;
        const BlockId low = decide(targets.first(middle));
        return compare(ir::Condition::Less, all, bound, low, 0, decide(targets.subspan(middle)));
    }

    BlockId compare(ir::Condition condition, std::uint32_t weight, std::int32_t bound, BlockId taken,
                    std::int32_t taken_pc, BlockId not_taken) {
        const BlockId id = create(BasicBlock::End::Branch, weight);
        if (id == kNoBlock)
            return id;
        BasicBlock& block = graph_.blocks[id];
        block.condition = condition;
        block.displacement = bound;
        block.taken.target = taken;
        block.taken.pc = taken_pc;
        block.not_taken.target = not_taken;
        return id;
    }

    BlockId create(BasicBlock::End end, std::uint32_t weight) {
        const BasicBlock& from = graph_.blocks[from_];
        BasicBlock block;
        block.pc = block.end_pc = from.end_pc;
        block.source = from.source;
        block.end = end;
        block.compares = true;
        block.weight =
            std::max<std::uint32_t>(1, std::min<std::uint32_t>(from.weight, 100) * weight / scale_);
        block.taken.leave = from.taken.leave;
        block.profile = from.profile;
        return graph_.blocks.push(block) ? static_cast<BlockId>(graph_.blocks.size() - 1) : kNoBlock;
    }

    Graph& graph_;
    const BlockId from_, first_;
    BlockId other_ = kNoBlock; // leaves the region
    std::uint32_t scale_ = 1;
};

} // namespace

Dispatch lay_out_dispatch(Graph& graph, BlockId from, std::span<LikelyTarget> targets) {
    graph.blocks[from].end = BasicBlock::End::Dispatch;
    return Layout(graph, from).run(targets);
}

void complete_dispatch(Graph& graph, Folder& folder, BlockId from, const Dispatch& dispatch, NodeId address) {
    const std::int32_t displacement = graph.blocks[from].displacement;
    graph.blocks[from].a = address;
    Node distance;
    distance.kind = Kind::Operation;
    distance.opcode = Opcode::Subtract;
    distance.type = ir::Type::Integer;
    distance.operands[0] = address;
    distance.operands[1] = folder.pc_relative(0);
    const NodeId from_start = folder.make(distance, from);
    for (std::size_t id = dispatch.first; id < std::size_t{dispatch.first} + dispatch.count; ++id) {
        BasicBlock& block = graph.blocks[id];
        if (block.end == BasicBlock::End::Branch) {
            block.a = from_start;
            block.b = folder.constant(std::int64_t{block.displacement} - displacement);
        } else {
            block.a = address;
            block.displacement = displacement;
        }
    }
}

} // namespace ashlar::jit::optimizer
