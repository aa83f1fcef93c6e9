// Value numbering with algebraic simplification: creates a node, or finds the one that has its value.
#pragma once

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

class Folder {
public:
    explicit Folder(Graph& graph) : graph_(graph) {}

    void clear() { buckets_.fill(kNoNode); }
    // The guest instruction that nodes made from now on are of, relative to the region's start.
    void set_pc(std::int32_t pc) { pc_ = pc; }
    // The value of the pure operation `node` at the end of `block`. kNoNode when the graph is full.
    NodeId make(Node node, BlockId block);
    NodeId constant(std::int64_t value);
    NodeId pc_relative(std::int64_t offset);
    // Simplifies what is in the graph already, whose operands may have changed: what it may be replaced by,
    // or itself. Its place must come after that of every node it was called for before, or be dominated.
    NodeId renew(NodeId id);

private:
    // Rewrites `node` in place, or returns the value that it has.
    NodeId simplify(Node& node, BlockId block);
    NodeId simplify_immediate(Node& node, std::int64_t b, BlockId block);
    NodeId simplify_unary(Node& node);
    NodeId simplify_shift_right(Node& node, std::int64_t amount, BlockId block);
    NodeId simplify_sum(NodeId a, NodeId b, BlockId block);
    NodeId simplify_rotation(NodeId a, NodeId b, BlockId block);
    // Division and remainder by a constant: divide.cpp
    NodeId simplify_division(ir::Opcode opcode, NodeId a, std::int64_t divisor, BlockId block);
    NodeId divide(ir::Opcode opcode, NodeId a, std::int64_t divisor, BlockId block);
    NodeId quotient_unsigned(NodeId a, std::uint64_t divisor, BlockId block);
    NodeId quotient_signed(NodeId a, std::uint64_t magnitude, BlockId block);
    NodeId quotient_of_word(NodeId word, std::uint64_t magnitude, BlockId block);
    NodeId constant_of(std::uint64_t value);
    NodeId shifted(ir::Opcode opcode, NodeId a, unsigned amount, BlockId block);
    NodeId binary(ir::Opcode opcode, NodeId a, NodeId b, BlockId block);
    NodeId find(const Node& node, BlockId block) const;
    void enter(NodeId id);
    static std::size_t hash(const Node& node);
    static bool same(const Node& a, const Node& b);
    std::int64_t value_of(NodeId id) const { return graph_.nodes[id].immediate; }

    Graph& graph_;
    std::int32_t pc_ = 0;
    NodeId position_ = kNoNode; // renew(): new nodes go before this one
    std::array<NodeId, 4096> buckets_{};
};

// Whether the node's value is its low half sign-extended, judged by its operands' is_word.
bool computes_word(const Graph& graph, const Node& node);

} // namespace ashlar::jit::optimizer
