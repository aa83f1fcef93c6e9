// Words of the guest's state that are no values in a region: read and written where they are. And what leaves
// the region because of them, before the guest instruction that looks at them has done anything.
#pragma once

#include <span>

#include "jit/optimizer/fold.h"

namespace ashlar::jit::optimizer {

// Whether the slot is a word that IR within a region may access.
constexpr bool is_state_word(std::int64_t slot) {
    return slot >= ir::kFrontendSlot && slot < ir::kStateSlots;
}
// Whether the call at `index` of a block's IR, which happens on a condition, can be left to tier 1 together
// with its guest instruction: the condition is known before that has changed anything.
bool can_leave_before(std::span<const ir::Instruction> block, std::size_t index);
// Whether the operation rounds, and by a static mode: it is the same as with the dynamic one when that is
// equal.
bool rounds_statically(const ir::Instruction& instruction);

// While a graph is built, in the order of its blocks.
class StateWords {
public:
    StateWords(Graph& graph, Folder& folder) : graph_(graph), folder_(folder) {}

    void begin_block() { known_.fill(kNoNode); }
    // What is built from now on belongs to the guest instruction that `at` describes: block, settings, place.
    void begin_instruction(const Node& at) {
        at_ = at;
        first_effect_ = kNoNode;
    }
    NodeId get(unsigned slot);
    void set(unsigned slot, NodeId value);
    // Leaves before the guest instruction if the value is not 0, or if it is.
    void leave_if(NodeId value, bool negated);
    void require_rounding(std::uint8_t mode);

private:
    Graph& graph_;
    Folder& folder_;
    Node at_;
    NodeId first_effect_ = kNoNode;               // of the guest instruction
    std::array<NodeId, ir::kStateSlots> known_{}; // values of words that the block has accessed
};

} // namespace ashlar::jit::optimizer
