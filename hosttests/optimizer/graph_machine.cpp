// A region's graph, as the emitter understands it.
#include "hosttests/optimizer/model.h"
#include "jit/ir/evaluate.h"

namespace ashlar::jit::optimizer::test {

using ir::Opcode;

namespace {

std::uint64_t sign_extended(std::uint64_t value) {
    return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(value)});
}

} // namespace

GraphRun GraphMachine::run(State& state) {
    state_ = &state;
    base_ = state.pc;
    left_ = false;
    run_ = {};
    choose_extents();
    BlockId block = 0;
    for (unsigned turns = 0; !left_ && run_.error.empty(); block = next_) {
        if (++turns > 20 * budget_ + 200) {
            fail("goes on for ever without a look at the budget");
            break;
        }
        const BasicBlock& of = graph_.blocks[block];
        for (NodeId n = of.first; n != kNoNode && !left_; n = graph_.at(n).next)
            execute(n);
        if (left_ || !run_.error.empty())
            break;
        switch (of.end) {
        case BasicBlock::End::Jump:
        case BasicBlock::End::Dispatch: take(block, of.taken); break;
        case BasicBlock::End::Branch:
            take(block, compare(of.a, of.b, of.condition) ? of.taken : of.not_taken);
            break;
        case BasicBlock::End::Indirect:
            leave(block, of.set_count, address_of(of), of.pending + of.guest_instructions,
                  of.guest_instructions);
        }
    }
    return run_;
}

bool GraphMachine::is_narrow(NodeId id) const {
    const Node& node = graph_.nodes[id];
    return node.is_word && !node.needs_upper && !graph_.is_constant(id);
}

std::uint64_t GraphMachine::full(NodeId id) {
    id = graph_.resolve(id);
    if (graph_.at(id).sunk) {
        for (const NodeId operand : graph_.at(id).operands)
            if (operand != kNoNode)
                full(operand);
        operate(id);
    }
    return is_narrow(id) ? sign_extended(values_[id]) : values_[id];
}

void GraphMachine::define(NodeId id, std::uint64_t value) {
    if (is_narrow(id))
        value = (value & 0xffffffff) | random_() << 32;
    else if (graph_.at(id).is_word && value != sign_extended(value))
        fail("a value that is no word is called one: node " + std::to_string(id));
    values_[id] = value;
    known_[id] = true;
}

void GraphMachine::execute(NodeId id) {
    const Node& node = graph_.at(id);
    if (node.sunk)
        return;
    switch (node.kind) {
    case Kind::Dead: return fail("a dead node is executed");
    case Kind::Entry: return define(id, state_->slots[static_cast<std::size_t>(node.immediate)]);
    case Kind::Phi: return; // by the edge
    case Kind::Operation: return operate(id);
    case Kind::Probe:
    case Kind::StreamProbe: return probe(id);
    case Kind::StreamStart: return start_stream(id);
    case Kind::Extent:
        return define(id, extents_[node.slot].addend + (node.fused ? extents_[node.slot].page : 0));
    case Kind::Within: return check_extent(id);
    case Kind::LeaveIf:
        if ((values_[graph_.resolve(node.operands[0])] != 0) != node.negated || refuses())
            leave_before(id);
        return;
    case Kind::Guard:
        if (refuses())
            leave_before(id);
        return;
    case Kind::Expect:
        if (compare(node.operands[0], node.operands[1], ir::Condition::NotEqual))
            leave(node.block, node.sets,
                  (full(node.operands[0]) + static_cast<std::uint64_t>(std::int64_t{node.displacement})) &
                      ~std::uint64_t{1},
                  graph_.blocks[node.block].pending + node.guest_index, node.guest_index);
        return;
    }
}

void GraphMachine::operate(NodeId id) {
    const Node& node = graph_.at(id);
    std::array<std::uint64_t, 3> operands{};
    for (std::size_t i = 0; i < ir::info(node.opcode).operand_count(); ++i)
        operands[i] = values_[graph_.resolve(node.operands[i])];
    const auto [a, b, c] = operands;
    switch (node.opcode) {
    case Opcode::Constant: return define(id, static_cast<std::uint64_t>(node.immediate));
    case Opcode::PcRelative: return define(id, base_ + static_cast<std::uint64_t>(node.immediate));
    case Opcode::Load:
    case Opcode::Store:
    case Opcode::LoadReserved:
    case Opcode::StoreConditional:
    case Opcode::Atomic: return access(id);
    case Opcode::Fence: return;
    case Opcode::Get: return define(id, state_->words[static_cast<std::size_t>(node.immediate)]);
    case Opcode::Set: state_->words[static_cast<std::size_t>(node.immediate)] = a; return;
    case Opcode::Less: return define(id, compare(node.operands[0], node.operands[1], ir::Condition::Less));
    case Opcode::LessUnsigned:
        return define(id, compare(node.operands[0], node.operands[1], ir::Condition::LessUnsigned));
    default: break;
    }
    if (ir::is_binary(node.opcode))
        return define(id, ir::evaluate(node.opcode, a, b));
    if (ir::is_unary(node.opcode))
        return define(id, ir::evaluate(node.opcode, a));
    if (exits(node) && refuses())
        return leave_before(id);
    const unsigned rounding = node.rounding == ir::kDynamicRounding && rounds(node.opcode)
                                  ? static_cast<unsigned>(state_->words[ir::kRoundingSlot])
                                  : node.rounding;
    define(id, float_result(node.opcode, node.attribute, node.precision, rounding, a, b, c));
}

void GraphMachine::access(NodeId id) {
    const Node& node = graph_.at(id);
    const std::size_t probe = probe_operand(node);
    const std::uint64_t index =
        node.operands[0] == kNoNode ? 0 : values_[graph_.resolve(node.operands[0])] << node.scale;
    const std::uint64_t host = index + static_cast<std::uint64_t>(std::int64_t{node.displacement}) +
                               values_[graph_.resolve(node.operands[probe])];
    if (is_atomic(node) && !node.aligned && (host % node.width != 0 || refuses()))
        return leave_before(id);
    if (node.reserved && (!state_->reservation.valid || state_->reservation.host != host))
        return fail("node " + std::to_string(id) + " has no reservation");
    const std::uint64_t value = probe == 2 ? values_[graph_.resolve(node.operands[1])] : 0;
    std::uint64_t result = 0;
    const std::string error =
        access_memory(*state_, {node.opcode, node.width, node.attribute, host, value}, result);
    if (!error.empty())
        return fail("node " + std::to_string(id) + " " + error);
    if (has_value(node))
        define(id, result);
}

void GraphMachine::probe(NodeId id) {
    const Node& node = graph_.at(id);
    const std::uint64_t base = values_[graph_.resolve(node.operands[0])];
    const std::uint64_t address =
        base + (node.operands[1] == kNoNode ? 0 : values_[graph_.resolve(node.operands[1])] << node.scale);
    Stream* const stream = node.kind == Kind::StreamProbe ? &streams_[node.stream] : nullptr;
    if (stream != nullptr && address < stream->end)
        return define(id, stream->addend);
    const auto length = static_cast<std::uint64_t>(node.high - node.low);
    const std::uint64_t first = address + static_cast<std::uint64_t>(std::int64_t{node.low});
    const std::optional<std::uint64_t> addend = state_->memory.addend(first, length, node.writes);
    const bool found = addend && !refuses();
    if (stream != nullptr) {
        const std::uint64_t page_end = (first | (Memory::kPageSize - 1)) + 1;
        stream->end =
            found && page_end != 0 ? page_end - static_cast<std::uint64_t>(std::int64_t{node.high}) + 1 : 0;
        stream->addend = addend.value_or(0);
    }
    if (!found)
        return leave_before(id);
    define(id, *addend + (node.fused ? base : 0));
}

// Each number has a page, often one that a register points into, and a slot for either kind of access.
void GraphMachine::choose_extents() {
    for (unsigned i = 0; i < kFirstSlotToWrite; ++i) {
        const std::uint64_t address = state_->slots[8 + chance_() % 3] & ~(Memory::kPageSize - 1);
        for (const bool writes : {false, true}) {
            const std::optional<std::uint64_t> addend =
                state_->memory.addend(address, Memory::kPageSize, writes);
            extents_[i + (writes ? kFirstSlotToWrite : 0)] = {address, addend.value_or(0),
                                                              addend.has_value() && chance_() % 8 != 0};
        }
    }
}

void GraphMachine::check_extent(NodeId id) {
    const Node& node = graph_.at(id);
    const Extent& extent = extents_[node.slot];
    const std::uint64_t index = node.fused ? values_[graph_.resolve(node.operands[1])] << node.scale : 0;
    const std::uint64_t address = values_[graph_.resolve(node.operands[0])] + index;
    const std::uint64_t distance = address + static_cast<std::uint64_t>(std::int64_t{node.low}) - extent.page;
    const auto length = static_cast<std::uint64_t>(node.high - node.low);
    // The last page of the address space is in no extent.
    const bool valid = extent.valid && extent.page + Memory::kPageSize != 0;
    const bool inside =
        node.grows ? address < extent.page + Memory::kPageSize - static_cast<std::uint64_t>(kNearRange) + 1
                   : length <= Memory::kPageSize && distance < Memory::kPageSize - length + 1;
    if (!valid || !inside || refuses())
        return leave_before(id);
    if (node.fused)
        define(id, distance);
}

void GraphMachine::start_stream(NodeId id) {
    const Node& start = graph_.at(id);
    const Node& node = graph_.at(graph_.stream_probes[start.stream]);
    const std::uint64_t first =
        values_[graph_.resolve(start.operands[0])] + static_cast<std::uint64_t>(std::int64_t{node.low});
    const auto length = static_cast<std::uint64_t>(node.high - node.low);
    const std::optional<std::uint64_t> addend = state_->memory.addend(first, length, node.writes);
    const std::uint64_t page_end = (first | (Memory::kPageSize - 1)) + 1;
    streams_[start.stream] = {};
    if (addend && page_end != 0 && !refuses())
        streams_[start.stream] = {page_end - static_cast<std::uint64_t>(std::int64_t{node.high}) + 1,
                                  *addend};
}

bool GraphMachine::compare(NodeId a, NodeId b, ir::Condition condition) {
    a = graph_.resolve(a);
    b = graph_.resolve(b);
    if (graph_.at(a).is_word && graph_.at(b).is_word)
        return holds(condition, sign_extended(values_[a]), sign_extended(values_[b]));
    return holds(condition, values_[a], values_[b]);
}

void GraphMachine::take(BlockId from, const Edge& edge) {
    const BasicBlock& block = graph_.blocks[from];
    const unsigned due = block.pending + block.guest_instructions;
    if (edge.target == kNoBlock)
        return leave(from, block.set_count, base_ + static_cast<std::uint64_t>(std::int64_t{edge.pc}), due,
                     block.guest_instructions);
    const std::uint64_t pc = block.end == BasicBlock::End::Dispatch
                                 ? address_of(block)
                                 : base_ + static_cast<std::uint64_t>(std::int64_t{edge.pc});
    const int charge = static_cast<int>(due) - graph_.blocks[edge.target].pending;
    // What the target would charge for this way is charged here, then.
    if (edge.backward && static_cast<int>(run_.charged) + charge >= static_cast<int>(budget_))
        return leave(from, block.set_count, pc, due, block.guest_instructions);
    run_.charged += static_cast<unsigned>(charge);
    run_.executed += block.guest_instructions;
    move_phis(from, edge.target);
    next_ = edge.target;
}

std::uint64_t GraphMachine::address_of(const BasicBlock& block) {
    return (full(block.a) + static_cast<std::uint64_t>(std::int64_t{block.displacement})) & ~std::uint64_t{1};
}

void GraphMachine::move_phis(BlockId from, BlockId to) {
    const BasicBlock& block = graph_.blocks[to];
    unsigned predecessor = 0;
    while (predecessor < block.predecessor_count && block.predecessors[predecessor] != from)
        ++predecessor;
    if (predecessor == block.predecessor_count)
        return fail("an edge from no predecessor");
    std::vector<std::pair<NodeId, std::uint64_t>> moves;
    for (NodeId n = block.first; n != kNoNode; n = graph_.at(n).next)
        if (graph_.at(n).kind == Kind::Phi)
            moves.emplace_back(n, values_[graph_.resolve(graph_.phis[graph_.at(n).phi].values[predecessor])]);
    for (const auto& [phi, value] : moves)
        define(phi, value);
}

void GraphMachine::leave(BlockId block, unsigned sets, std::uint64_t pc, unsigned charge, unsigned index) {
    left_ = true;
    run_.charged += charge;
    run_.executed += index;
    std::array<std::uint64_t, kValueSlots> slots = state_->slots;
    graph_.for_each_changed(block, sets, 0, [&](unsigned slot, NodeId value) { slots[slot] = full(value); });
    state_->slots = slots;
    state_->pc = pc;
}

void GraphMachine::leave_before(NodeId id) {
    const Node& node = graph_.at(id);
    leave(node.block, node.sets, base_ + static_cast<std::uint64_t>(std::int64_t{node.pc}),
          graph_.blocks[node.block].pending + node.guest_index, node.guest_index);
}

} // namespace ashlar::jit::optimizer::test
