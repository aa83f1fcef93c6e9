#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

void Graph::clear() {
    nodes.clear();
    blocks.clear();
    sets.clear();
    phis.clear();
    order.clear();
    entries.fill(kNoNode);
    streams = 0;
    uses_float = false;
    changed_slots = 0;
    changed_words.reset();
}

NodeId Graph::create(const Node& node) {
    if (!nodes.push(node))
        return kNoNode;
    const auto id = static_cast<NodeId>(nodes.size() - 1);
    forward[id] = id;
    Node& created = nodes[id];
    created.previous = created.next = created.hash_next = kNoNode;
    created.block = kNoBlock;
    return id;
}

void Graph::append(BlockId block, NodeId id) {
    BasicBlock& to = blocks[block];
    Node& node = nodes[id];
    node.block = block;
    node.next = kNoNode;
    node.previous = to.last;
    if (to.last == kNoNode)
        to.first = id;
    else
        nodes[to.last].next = id;
    to.last = id;
}

void Graph::insert_before(NodeId position, NodeId id) {
    Node& node = nodes[id];
    Node& after = nodes[position];
    node.block = after.block;
    node.next = position;
    node.previous = after.previous;
    if (after.previous == kNoNode)
        blocks[after.block].first = id;
    else
        nodes[after.previous].next = id;
    after.previous = id;
}

void Graph::prepend(BlockId block, NodeId id) {
    if (blocks[block].first == kNoNode)
        return append(block, id);
    insert_before(blocks[block].first, id);
}

void Graph::remove(NodeId id) {
    Node& node = nodes[id];
    if (node.block == kNoBlock)
        return;
    BasicBlock& block = blocks[node.block];
    if (node.previous == kNoNode)
        block.first = node.next;
    else
        nodes[node.previous].next = node.next;
    if (node.next == kNoNode)
        block.last = node.previous;
    else
        nodes[node.next].previous = node.previous;
    node.previous = node.next = kNoNode;
    node.block = kNoBlock;
}

bool Graph::dominates(BlockId a, BlockId b) const {
    while (blocks[b].order > blocks[a].order)
        b = blocks[b].dominator;
    return a == b;
}

NodeId Graph::state(BlockId block, unsigned set_count, unsigned slot) {
    const BasicBlock& of = blocks[block];
    for (unsigned i = set_count; i-- > 0;)
        if (sets[of.first_set + i].slot == slot)
            return resolve(sets[of.first_set + i].node);
    return resolve(of.entry[slot]);
}

} // namespace ashlar::jit::optimizer
