#include "jit/optimizer/verify.h"

#include "jit/optimizer/bounds.h"
#include "jit/optimizer/cfg.h"
#include "jit/optimizer/growth.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;
using ir::Type;

namespace {

bool matches(char letter, Type type) {
    return letter == 'x' ? type != Type::None : (letter == 'f') == (type == Type::Float);
}

class Verification {
public:
    Verification(Graph& graph, Stage stage) : graph_(graph), stage_(stage) {}

    GraphVerdict run() {
        check_order();
        for (const BlockId id : graph_.order)
            check_list(id);
        if (!verdict_.ok())
            return verdict_; // positions are of no use
        for (const BlockId id : graph_.order) {
            check_block(id);
            if (stage_ == Stage::Charged)
                check_charges(id);
        }
        return verdict_;
    }

private:
    void fail(std::string_view message, BlockId block, NodeId node = kNoNode) {
        if (verdict_.ok())
            verdict_ = {message, block, node};
    }
    void require(bool holds, std::string_view message, BlockId block, NodeId node = kNoNode) {
        if (!holds)
            fail(message, block, node);
    }

    void check_order() {
        require(!graph_.order.empty() && graph_.order[0] == 0, "the order does not begin with the preheader",
                0);
        for (std::size_t i = 0; i < graph_.order.size(); ++i) {
            const BlockId id = graph_.order[i];
            const BasicBlock& block = graph_.blocks[id];
            require(block.order == i, "a block's number is not its place in the order", id);
            unsigned expected = 0;
            for (const BlockId other : graph_.order)
                expected += edges(other, id);
            require(expected == block.predecessor_count, "predecessors and edges differ", id);
            for (unsigned p = 0; p < block.predecessor_count; ++p)
                require(edges(block.predecessors[p], id) != 0, "a predecessor has no edge here", id);
        }
    }

    unsigned edges(BlockId from, BlockId to) const {
        const BasicBlock& block = graph_.blocks[from];
        return (block.end != BasicBlock::End::Indirect && block.taken.target == to ? 1u : 0u) +
               (block.end == BasicBlock::End::Branch && block.not_taken.target == to ? 1u : 0u);
    }

    void check_list(BlockId id) {
        std::uint16_t position = 1;
        NodeId previous = kNoNode;
        for (NodeId n = graph_.blocks[id].first; n != kNoNode; n = graph_.at(n).next) {
            const Node& node = graph_.at(n);
            if (node.block != id || node.previous != previous || position > kMaxNodes)
                return fail("a list of nodes is broken", id, n);
            require(graph_.forward[n] == n, "a node that was replaced is in a block", id, n);
            require(node.kind != Kind::Dead, "a dead node is in a block", id, n);
            require(node.kind != Kind::Entry || id == 0, "an entry value outside the preheader", id, n);
            positions_[n] = position++;
            previous = n;
        }
        require(graph_.blocks[id].last == previous, "a list of nodes does not end at its last", id);
    }

    // Whether `value` is known before the node at `position` of the block.
    void check_use(NodeId value, char letter, BlockId block, unsigned position, NodeId user) {
        if (value == kNoNode)
            return fail("an operand is missing", block, user);
        value = graph_.resolve(value);
        const Node& node = graph_.at(value);
        if (node.block == kNoBlock || positions_[value] == 0)
            return fail("an operand is not in the graph", block, user);
        require(has_value(node), "an operand has no value", block, user);
        require(matches(letter, node.type), "an operand has the wrong type", block, user);
        const bool before =
            node.block == block ? positions_[value] < position : graph_.dominates(node.block, block);
        require(before, "an operand is not computed on every way to its use", block, user);
        require(!node.sunk || user == kExit || (user != kNoNode && graph_.at(user).sunk),
                "a value that only exits compute is looked at elsewhere", block, user);
        if ((node.late || node.unboxed) && user != kExit && user != kNoNode)
            check_unsettled(node, user, block);
    }

    // Nobody sees that a value is not yet what it is to be. Ways to phis and copies see to that.
    void check_unsettled(const Node& node, NodeId user, BlockId block) {
        const Node& by = graph_.at(user);
        if (by.kind == Kind::Phi) {
            require(!by.late || !node.late || by.precision == node.precision,
                    "a phi of several precisions need not be canonical", block, user);
            return require(!by.unboxed || by.precision == ir::Precision::Single,
                           "a phi of other than singles is not boxed", block, user);
        }
        require(!node.late || by.settles || !sees_nan(by, node),
                "a NaN that need not be canonical is looked at", block, user);
        require(!node.unboxed || !sees_box(by), "a single that need not be boxed is looked at", block, user);
    }

    void check_state(BlockId block, unsigned sets, unsigned position) {
        require(sets <= graph_.blocks[block].set_count, "a state has settings of another block", block);
        graph_.for_each_changed(block, sets, 0, [&](unsigned slot, NodeId value) {
            check_use(value, slot < ir::kFloatSlot ? 'i' : 'f', block, position, kExit);
        });
    }

    void check_block(BlockId id) {
        const BasicBlock& block = graph_.blocks[id];
        int last_effect = -1; // guest instruction that has changed memory
        for (NodeId n = block.first; n != kNoNode; n = graph_.at(n).next) {
            const Node& node = graph_.at(n);
            check_node(id, n, node);
            if (exits(node)) {
                check_state(id, node.sets, positions_[n]);
                require(int{node.guest_index} > last_effect,
                        "an exit comes after what it says is yet to happen", id, n);
                require(node.guest_index <= block.guest_instructions, "an exit behind its block", id, n);
            }
            if (is_atomic(node) || graph_.is_operation(n, Opcode::Store) ||
                graph_.is_operation(n, Opcode::Set))
                last_effect = node.guest_index;
        }
        for_each_end_operand(block, [&](NodeId value) { check_use(value, 'i', id, kEnd, kNoNode); });
        if (block.end == BasicBlock::End::Indirect || leaves(block.taken) ||
            (block.end == BasicBlock::End::Branch && leaves(block.not_taken)))
            check_state(id, block.set_count, kEnd);
    }
    static bool leaves(const Edge& edge) { return edge.target == kNoBlock || edge.backward; }

    void check_node(BlockId id, NodeId n, const Node& node) {
        switch (node.kind) {
        case Kind::Phi: return check_phi(id, n, node);
        case Kind::Operation: return check_operation(id, n, node);
        case Kind::Probe:
        case Kind::StreamProbe:
        case Kind::StreamStart:
            check_use(node.operands[0], 'i', id, positions_[n], n);
            if (node.operands[1] != kNoNode)
                check_use(node.operands[1], 'i', id, positions_[n], n);
            require(node.fused || node.operands[1] == kNoNode, "a second operand that nothing is done with",
                    id, n);
            require(node.low < node.high, "a probe of nothing", id, n);
            return check_stream(id, n, node);
        case Kind::Extent:
            require(id == 0, "an extent is looked up within the region", id, n);
            return require(node.slot < (node.fused ? kExtentSlots : kFirstSlotToWrite), "no such slot", id,
                           n);
        case Kind::Within:
            check_use(node.operands[0], 'i', id, positions_[n], n);
            if (node.fused)
                check_use(node.operands[1], 'i', id, positions_[n], n);
            require(node.low < node.high && node.high - node.low <= kFarRange, "a range that no bound is for",
                    id, n);
            require(node.slot < kExtentSlots, "no such slot", id, n);
            return node.grows ? check_growing(id, n, node) : void();
        case Kind::LeaveIf: return check_use(node.operands[0], 'i', id, positions_[n], n);
        case Kind::Expect:
            check_use(node.operands[0], 'i', id, positions_[n], n);
            return check_use(node.operands[1], 'i', id, positions_[n], n);
        default: return;
        }
    }

    void check_phi(BlockId id, NodeId n, const Node& phi) {
        const BasicBlock& block = graph_.blocks[id];
        for (unsigned p = 0; p < block.predecessor_count; ++p) {
            const NodeId value = graph_.phis[phi.phi].values[p];
            check_use(value, phi.type == Type::Float ? 'f' : 'i', block.predecessors[p], kEnd, n);
            if (verdict_.ok())
                require(!phi.is_word || graph_.at(graph_.resolve(value)).is_word,
                        "a phi of something else than words is called a word", id, n);
        }
    }

    void check_operation(BlockId id, NodeId n, const Node& node) {
        const ir::OperationInfo& info = ir::info(node.opcode);
        require(!node.sunk || is_pure(node), "an effect is left to exits", id, n);
        for (std::size_t i = 0; i < info.operand_count(); ++i)
            if (i != 0 || !node.fused || node.operands[0] != kNoNode)
                check_use(node.operands[i], info.operand_letter(i), id, positions_[n], n);
        if (node.opcode == Opcode::Get || node.opcode == Opcode::Set)
            return check_word(id, n, node);
        if (!accesses_memory(node))
            return;
        const NodeId probe_id = node.operands[probe_operand(node)];
        if (stage_ == Stage::Values)
            return require(probe_id == kNoNode, "an access has a probe too early", id, n);
        check_use(probe_id, 'i', id, positions_[n], n);
        if (!verdict_.ok())
            return;
        if (node.check != kNoNode)
            return check_within(id, n, node, probe_id);
        const Node& probe = graph_.at(graph_.resolve(probe_id));
        require(probe.kind == Kind::Probe || probe.kind == Kind::StreamProbe, "an access without a probe", id,
                n);
        require(graph_.resolve(probe.operands[probe.fused ? 1 : 0]) == graph_.resolve(node.operands[0]) &&
                    probe.fused == node.fused && probe.scale == node.scale,
                "an access through another value than its probe's", id, n);
        require(probe.low <= node.displacement && probe.high >= node.displacement + node.width,
                "an access outside its probe's range", id, n);
        require(!writes_memory(node) || probe.writes, "a store whose probe is for loads", id, n);
    }

    void check_word(BlockId id, NodeId n, const Node& node) {
        if (node.immediate < std::int64_t{ir::kPcSlot} || node.immediate >= std::int64_t{ir::kStateSlots})
            return fail("an access to a slot that is a value, or none", id, n);
        const bool changes = graph_.changed_words[static_cast<std::size_t>(node.immediate)];
        require(node.opcode == Opcode::Get ? !node.fixed || !changes : changes,
                "a word that is said not to change", id, n);
    }

    // An access by way of an extent: that its check stands before it, of the same extent, and is for all
    // bytes.
    void check_within(BlockId id, NodeId n, const Node& node, NodeId by) {
        const bool writes = writes_memory(node);
        const Node& check = graph_.at(node.check);
        const bool before =
            check.block == id ? positions_[node.check] < positions_[n] : graph_.dominates(check.block, id);
        if (check.kind != Kind::Within || positions_[node.check] == 0 || !before)
            return fail("an access that nothing vouches for", id, n);
        require(!writes || check.slot >= kFirstSlotToWrite, "a store by an extent for loads", id, n);
        std::int64_t low = node.displacement, high = low + node.width;
        NodeId extent = graph_.resolve(by);
        if (node.fused) { // pointer + (index << scale)
            const Node& pointer = graph_.at(extent);
            if (!graph_.is_operation(extent, Opcode::Add) ||
                graph_.resolve(pointer.operands[0]) != graph_.resolve(check.operands[0]) || check.fused)
                return fail("a pointer to something else than was checked", id, n);
            extent = graph_.resolve(pointer.operands[1]);
            const std::uint64_t bound = node.operands[0] == kNoNode ? 0 : bound_of(graph_, node.operands[0]);
            if (bound > static_cast<std::uint64_t>(kFarRange))
                return fail("an index without bounds", id, n);
            high += static_cast<std::int64_t>(bound << node.scale);
        } else if (check.fused) {
            require(graph_.resolve(node.operands[0]) == node.check, "an access elsewhere than was checked",
                    id, n);
            low += check.low;
            high += check.low;
        } else {
            require(graph_.resolve(node.operands[0]) == graph_.resolve(check.operands[0]),
                    "an access through another value than was checked", id, n);
        }
        require(low >= check.low && high <= check.high, "an access outside what was checked", id, n);
        const bool of_start = check.fused && !node.fused;
        require(graph_.at(extent).kind == Kind::Extent && graph_.at(extent).fused == of_start &&
                    graph_.at(extent).slot == (of_start ? check.slot : check.slot % kFirstSlotToWrite),
                "an access by another extent than was checked", id, n);
    }

    // That a check where the loop begins says what this one leaves out.
    void check_growing(BlockId id, NodeId n, const Node& node) {
        BlockId entry = kNoBlock;
        const NodeId phi = graph_.resolve(node.operands[0]);
        const NodeId initial = initial_of_growing(graph_, phi, id, entry);
        if (initial == kNoNode || node.fused || node.high > kNearRange || node.high - node.low > kNearRange)
            return fail("an address that does not grow as it should", id, n);
        for (NodeId other = graph_.blocks[entry].first; other != kNoNode; other = graph_.at(other).next) {
            const Node& start = graph_.at(other);
            if (start.kind == Kind::Within && start.slot == node.slot && !start.grows && !start.fused &&
                graph_.resolve(start.operands[0]) == initial && start.low <= node.low)
                return;
        }
        fail("a growing address that is not checked where its loop begins", id, n);
    }

    void check_stream(BlockId id, NodeId n, const Node& node) {
        if (node.kind == Kind::Probe || !verdict_.ok())
            return;
        if (node.stream >= graph_.streams)
            return fail("no such stream", id, n);
        const Node& probe = graph_.at(graph_.stream_probes[node.stream]);
        const NodeId phi_id = graph_.resolve(probe.operands[0]);
        const Node& phi = graph_.at(phi_id);
        if (phi.kind != Kind::Phi)
            return fail("a stream whose address is no loop's", id, n);
        const BlockId entry = loop_entry(graph_, phi.block);
        if (entry == kNoBlock)
            return fail("a stream in a loop with several entries", id, n);
        // A bound on the address stands for a bound on what is accessed only as long as both are of the same
        // sign and far from the ends of the address space.
        require(probe.low >= -kMaxStreamDistance && probe.high <= kMaxStreamDistance,
                "a stream far from its address", id, n);
        if (node.kind == Kind::StreamProbe)
            return require(&probe == &node && graph_.dominates(phi.block, id), "a stream outside its loop",
                           id, n);
        require(id == entry, "a stream that does not start before its loop", id, n);
        const BasicBlock& header = graph_.blocks[phi.block];
        for (unsigned p = 0; p < header.predecessor_count; ++p)
            if (header.predecessors[p] == entry)
                require(graph_.resolve(graph_.phis[phi.phi].values[p]) == graph_.resolve(node.operands[0]),
                        "a stream that starts elsewhere than its address", id, n);
    }

    void check_charges(BlockId id) {
        const BasicBlock& block = graph_.blocks[id];
        bool executed = block.pending == 0;
        for (unsigned p = 0; p < block.predecessor_count; ++p) {
            const BasicBlock& from = graph_.blocks[block.predecessors[p]];
            executed = executed ||
                       (from.order < block.order && from.pending + from.guest_instructions == block.pending);
        }
        require(executed, "what is to be charged was not executed", id);
    }

    static constexpr unsigned kEnd = 0xffff;   // position
    static constexpr NodeId kExit = kMaxNodes; // user

    Graph& graph_;
    const Stage stage_;
    GraphVerdict verdict_;
    std::array<std::uint16_t, kMaxNodes> positions_{}; // in the block, from 1
};

} // namespace

GraphVerdict verify(Graph& graph, Stage stage) {
    return Verification(graph, stage).run();
}

} // namespace ashlar::jit::optimizer
