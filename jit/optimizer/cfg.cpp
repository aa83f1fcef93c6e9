#include "jit/optimizer/cfg.h"

#include <algorithm>

namespace ashlar::jit::optimizer {

namespace {

template <class Visit>
void for_each_successor(const BasicBlock& block, Visit visit) {
    if (block.taken.target != kNoBlock)
        visit(block.taken.target);
    if (block.end == BasicBlock::End::Branch && block.not_taken.target != kNoBlock)
        visit(block.not_taken.target);
}

bool find_predecessors(Graph& graph) {
    bool fits = true;
    for (BasicBlock& block : graph.blocks)
        block.predecessor_count = 0;
    for (std::size_t i = 0; i < graph.blocks.size(); ++i)
        for_each_successor(graph.blocks[i], [&](BlockId target) {
            BasicBlock& to = graph.blocks[target];
            if (to.predecessor_count == kMaxPredecessors)
                fits = false;
            else
                to.predecessors[to.predecessor_count++] = static_cast<BlockId>(i);
        });
    return fits;
}

// Depth first without recursion; the order in which blocks are left, reversed. The likelier successor is
// visited last, so that it comes first in the order.
void find_order(Graph& graph) {
    std::array<BlockId, kMaxBlocks> stack{}, left{};
    std::array<std::uint8_t, kMaxBlocks> visited{}, next{};
    std::size_t depth = 0, count = 0;
    stack[depth++] = 0;
    visited[0] = 1;
    while (depth != 0) {
        const BlockId id = stack[depth - 1];
        const BasicBlock& block = graph.blocks[id];
        std::array<BlockId, 2> successors{};
        std::size_t successor_count = 0;
        for_each_successor(block, [&](BlockId target) { successors[successor_count++] = target; });
        if (successor_count == 2 && graph.blocks[successors[0]].weight > graph.blocks[successors[1]].weight)
            std::swap(successors[0], successors[1]);
        if (next[id] == successor_count) {
            left[count++] = id;
            --depth;
            continue;
        }
        const BlockId target = successors[next[id]++];
        if (visited[target] == 0) {
            visited[target] = 1;
            stack[depth++] = target;
        }
    }
    graph.order.clear();
    while (count != 0) {
        graph.blocks[left[--count]].order = static_cast<std::uint16_t>(graph.order.size());
        graph.order.push(left[count]);
    }
}

BlockId intersect(const Graph& graph, BlockId a, BlockId b) {
    while (a != b) {
        while (graph.blocks[a].order > graph.blocks[b].order)
            a = graph.blocks[a].dominator;
        while (graph.blocks[b].order > graph.blocks[a].order)
            b = graph.blocks[b].dominator;
    }
    return a;
}

// Cooper, Harvey and Kennedy's iteration.
void find_dominators(Graph& graph) {
    for (BasicBlock& block : graph.blocks)
        block.dominator = kNoBlock;
    graph.blocks[0].dominator = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (const BlockId id : graph.order) {
            if (id == 0)
                continue;
            BasicBlock& block = graph.blocks[id];
            BlockId dominator = kNoBlock;
            for (unsigned i = 0; i < block.predecessor_count; ++i) {
                const BlockId predecessor = block.predecessors[i];
                if (graph.blocks[predecessor].dominator != kNoBlock)
                    dominator =
                        dominator == kNoBlock ? predecessor : intersect(graph, dominator, predecessor);
            }
            if (block.dominator != dominator) {
                block.dominator = dominator;
                changed = true;
            }
        }
    }
}

// Natural loops: blocks that reach a back edge without passing its header. Inner loops are found last, since
// headers are taken in order, and so override the outer ones.
void find_loops(Graph& graph) {
    for (BasicBlock& block : graph.blocks) {
        block.loop = block.outer_loop = kNoBlock;
        block.depth = 0;
    }
    for (const BlockId header : graph.order) {
        std::array<BlockId, kMaxBlocks> work{};
        std::array<bool, kMaxBlocks> inside{};
        std::size_t count = 0;
        const BasicBlock& block = graph.blocks[header];
        const auto enter = [&](BlockId id) {
            if (!inside[id]) {
                inside[id] = true;
                work[count++] = id;
            }
        };
        bool loops = false;
        inside[header] = true;
        for (unsigned i = 0; i < block.predecessor_count; ++i)
            if (graph.dominates(header, block.predecessors[i])) {
                loops = true;
                enter(block.predecessors[i]);
            }
        if (!loops)
            continue;
        graph.blocks[header].outer_loop = block.loop;
        while (count != 0) {
            const BasicBlock& member = graph.blocks[work[--count]];
            for (unsigned i = 0; i < member.predecessor_count; ++i)
                enter(member.predecessors[i]);
        }
        for (std::size_t i = 0; i < graph.blocks.size(); ++i)
            if (inside[i]) {
                graph.blocks[i].loop = header;
                ++graph.blocks[i].depth;
            }
    }
}

// Every way round a loop of the region goes along an edge to a block that does not come later in the order.
// There the budget is looked at. What compares a jump's address is no place to leave at: the jump looks.
void find_where_the_budget_is_looked_at(Graph& graph) {
    for (const BlockId id : graph.order) {
        BasicBlock& block = graph.blocks[id];
        const auto goes_back = [&](const Edge& edge) {
            return edge.target != kNoBlock && graph.blocks[edge.target].order <= block.order;
        };
        block.taken.backward = goes_back(block.taken);
        block.not_taken.backward = block.end == BasicBlock::End::Branch && goes_back(block.not_taken);
        if (!block.compares || (!block.taken.backward && !block.not_taken.backward))
            continue;
        block.taken.backward = block.not_taken.backward = false;
        BlockId jump = id;
        while (graph.blocks[jump].compares)
            jump = graph.blocks[jump].dominator;
        graph.blocks[jump].taken.backward = true;
    }
}

} // namespace

bool analyze_control_flow(Graph& graph) {
    if (!find_predecessors(graph))
        return false;
    find_order(graph);
    find_dominators(graph);
    // What cannot be reached is no predecessor.
    for (const BlockId id : graph.order) {
        BasicBlock& block = graph.blocks[id];
        std::uint8_t kept = 0;
        for (unsigned i = 0; i < block.predecessor_count; ++i)
            if (graph.blocks[block.predecessors[i]].dominator != kNoBlock)
                block.predecessors[kept++] = block.predecessors[i];
        block.predecessor_count = kept;
    }
    find_loops(graph);
    for (BasicBlock& block : graph.blocks) {
        const unsigned depth = std::min<unsigned>(block.depth, 5);
        block.weight = std::max<std::uint32_t>(1, std::min<std::uint32_t>(block.weight, 100)) << 3 * depth;
    }
    find_order(graph); // once more, with what loops weigh: their blocks lie together
    find_where_the_budget_is_looked_at(graph);
    return true;
}

BlockId loop_entry(const Graph& graph, BlockId header) {
    const BasicBlock& block = graph.blocks[header];
    BlockId entry = kNoBlock;
    for (unsigned i = 0; i < block.predecessor_count; ++i) {
        const BlockId predecessor = block.predecessors[i];
        if (graph.dominates(header, predecessor))
            continue;
        if (entry != kNoBlock)
            return kNoBlock;
        entry = predecessor;
    }
    // What a dispatch goes through is not at any guest instruction.
    const bool placeless = entry != kNoBlock && (graph.blocks[entry].compares ||
                                                 graph.blocks[entry].end == BasicBlock::End::Dispatch);
    return placeless ? kNoBlock : entry;
}

bool in_loop(const Graph& graph, BlockId block, BlockId header) {
    for (BlockId loop = graph.blocks[block].loop; loop != kNoBlock; loop = graph.blocks[loop].outer_loop)
        if (loop == header)
            return true;
    return false;
}

BlockId home_of_check(Graph& graph, NodeId address, BlockId block) {
    BlockId home = block;
    for (;;) {
        const BlockId header = graph.blocks[home].loop;
        if (header == kNoBlock || in_loop(graph, graph.at(address).block, header) ||
            graph.blocks[home].weight * 2 < graph.blocks[header].weight)
            return home;
        const BlockId entry = loop_entry(graph, header);
        if (entry == kNoBlock)
            return home;
        home = entry;
    }
}

void place_at_end(const Graph& graph, BlockId block, Node& node) {
    const BasicBlock& home = graph.blocks[block];
    node.sets = home.set_count;
    const bool branches = home.end == BasicBlock::End::Branch;
    node.pc = branches ? home.end_pc : home.taken.pc;
    node.guest_index = static_cast<std::uint8_t>(home.guest_instructions - (branches ? 1 : 0));
}

} // namespace ashlar::jit::optimizer
