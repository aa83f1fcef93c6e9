// Text of an optimized graph, for looking at what tier 2 made of a region.
#pragma once

#include "jit/optimizer/allocate.h"
#include "lib/format.h"

namespace ashlar::jit::optimizer {

// Values are "%NODE @PLACE": the host register or slot that the value has. Constants are shown where they are
// used: "#5", "pc+0x10". Values whose upper half follows from the lower are words; that of a narrow one is
// not even computed.
class Printer {
public:
    // Guest addresses are shown relative to `base`, that of the region.
    Printer(Graph& graph, const Allocation& allocation, const RegisterFile& registers, std::uint64_t base,
            Sink& sink)
        : graph_(graph), allocation_(allocation), registers_(registers), base_(base), sink_(sink) {}
    virtual ~Printer() = default;

    // All blocks in the order of their code.
    void print();
    // A place in guest code, and the instruction that what follows is of.
    virtual void print_place(std::uint64_t address) { format(sink_, "{:#x}", address); }
    virtual void print_instruction(std::uint64_t address) { format(sink_, "  {:x}\n", address); }

private:
    void print_block(BlockId id);
    void print_at(BlockId id, std::int32_t pc);
    void print_node(NodeId id);
    void print_value(NodeId id); // where it is made
    void print_use(NodeId id);   // where it is looked at
    void print_uses(const Node& node);
    void print_phi(const Node& phi);
    void print_operation(const Node& node);
    void print_range(const Node& probe);
    void print_check(const Node& check);
    void print_address(NodeId base, NodeId index, unsigned scale); // up to a distance
    void print_end(const BasicBlock& block);
    void print_edge(const Edge& edge);
    void print_state(BlockId id, unsigned sets);
    bool is_shown(NodeId id) const;
    std::uint64_t address(std::int64_t pc) const { return base_ + static_cast<std::uint64_t>(pc); }

    Graph& graph_;
    const Allocation& allocation_;
    const RegisterFile& registers_;
    std::uint64_t base_;
    Sink& sink_;
    BlockId at_block_ = kNoBlock; // print_instruction was called for this
    std::int32_t at_pc_ = 0;
};

} // namespace ashlar::jit::optimizer
