// Linear-scan register allocation over a graph.
#pragma once

#include <string_view>

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

// What a backend offers. Registers are numbers below 16; slots are the context's: the guest's own, and the
// interpreter's temporaries.
struct RegisterFile {
    std::uint16_t integer = 0, floating = 0;       // a bit for each register that may be used
    std::array<std::int8_t, kValueSlots> pinned{}; // where a guest slot lives outside regions, or -1
    std::uint8_t first_spill_slot = 0, spill_slots = 0;
    // For people.
    std::array<std::string_view, 16> integer_names{};
    std::string_view float_prefix;

    std::uint64_t pinned_slots() const {
        std::uint64_t mask = 0;
        for (std::size_t slot = 0; slot < kValueSlots; ++slot)
            if (pinned[slot] >= 0)
                mask |= std::uint64_t{1} << slot;
        return mask;
    }
};

struct Location {
    enum class Kind : std::uint8_t {
        None,      // nobody looks at the value
        Register,  // integer
        Float,     // floating-point register
        Slot,      // of the context
        Recompute, // constants and distances from the region's start
    };
    Kind kind = Kind::None;
    std::uint8_t index = 0;

    bool operator==(const Location&) const = default;
};

// Whether a backend exchanges the operands when the result is in the place of the second.
constexpr bool is_exchangeable(const Node& node) {
    if (node.kind != Kind::Operation)
        return false;
    switch (node.opcode) {
    case ir::Opcode::Add:
    case ir::Opcode::And:
    case ir::Opcode::Or:
    case ir::Opcode::Xor:
    case ir::Opcode::Multiply:
    case ir::Opcode::AddWord:
    case ir::Opcode::MultiplyWord: return true;
    default: return false;
    }
}

class Allocation {
public:
    // False when the region needs more spill slots than there are.
    bool run(Graph& graph, const RegisterFile& file);
    Location of(NodeId id) const { return locations_[id]; }
    std::size_t spilled() const { return spilled_; } // temporary slots, from the first
    // For a value that an exit computes, meanwhile.
    void place(NodeId id, Location location) { locations_[id] = location; }

private:
    // A bit for each node, of each block. Dense: see row().
    using Sets = std::array<std::uint64_t, kMaxBlocks*(kMaxNodes / 64)>;
    struct Interval {
        std::uint32_t first, last; // positions; last is where it is looked at last
        std::uint64_t weight;
        NodeId hint; // would like to share its register
    };

    void number();
    void find_live();
    void find_uses(BlockId id);
    void find_phi_uses(BlockId id, const Node& phi);
    void propagate();
    void extend(const std::uint64_t* live, std::uint32_t position);
    void use(NodeId id, std::uint32_t position, std::uint64_t weight, std::uint64_t* live);
    std::uint64_t* row(Sets& sets, BlockId id) { return sets.data() + words_ * id; }
    void find_hints();
    bool assign();
    bool is_recomputed(NodeId id) const;
    void assign_class(bool floating);
    void spill(NodeId id);
    // Where spilled values live: allocate_slots.cpp
    void find_homes();
    std::uint64_t kept_slots(BlockId block, std::uint64_t& behind);
    bool assign_slots();
    int choose(NodeId id, std::uint16_t free) const;
    bool is_allocated(const Node& node) const;

    Graph* graph_ = nullptr;
    const RegisterFile* file_ = nullptr;
    std::uint64_t pinned_ = 0;           // slots
    std::uint16_t pinned_registers_ = 0; // their hosts
    std::array<std::uint32_t, kMaxBlocks> from_{}, to_{};
    std::array<std::uint32_t, kMaxNodes> position_{};
    std::array<Interval, kMaxNodes> intervals_{};
    std::array<Location, kMaxNodes> locations_{};
    std::size_t words_ = 0; // of a set
    // Looked at within a block, and in the phis of its successors; defined in it; live where it begins.
    Sets used_{}, used_behind_{}, defined_{}, live_in_{};
    Bounded<NodeId, kMaxNodes> sorted_;
    std::size_t spilled_ = 0;
    Bounded<NodeId, kMaxNodes> in_memory_;           // spilled values that have no slot yet
    std::array<std::uint8_t, kMaxNodes> homes_{};    // the guest's slot that a value is for, or 0
    std::array<std::uint32_t, kValueSlots> taken_{}; // until when something else needs a guest's slot
    std::array<std::uint32_t, 256> temporaries_{};   // the same of temporary slots
};

} // namespace ashlar::jit::optimizer
