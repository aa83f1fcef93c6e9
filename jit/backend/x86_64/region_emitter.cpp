// Blocks, edges and exits of a region.
#include "jit/backend/x86_64/region_emitter.h"

#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/edge.h"
#include "jit/backend/x86_64/region_operands.h"

namespace ashlar::jit::x86_64 {

using optimizer::BasicBlock;
using optimizer::Edge;
using optimizer::Kind;
using optimizer::kNoBlock;
using optimizer::kNoNode;

bool RegionEmitter::emit(optimizer::Graph& graph, optimizer::Allocation& allocation,
                         const RegionEnvironment& environment) {
    graph_ = &graph;
    allocation_ = &allocation;
    environment_ = environment;
    exits_.clear();
    cold_.clear();
    fixups_.clear();
    edge_blocks_.clear();
    surprises_.clear();
    moves_.clear();
    generation_site_ = 0;
    environment_.marks.place(e.position(), "entry");
    too_much_ = false;
    emit_entry();
    const auto& order = graph.order;
    for (std::size_t i = 0; i < order.size(); ++i)
        emit_block(order[i], i + 1 < order.size() ? order[i + 1] : kNoBlock);
    emit_cold_code();
    for (const Fixup& fixup : fixups_)
        e.bind(fixup.jump, positions_[fixup.target]);
    return !too_much_ && !exits_.overflowed() && !cold_.overflowed() && !fixups_.overflowed() &&
           !edge_blocks_.overflowed() && !surprises_.overflowed() && !moves_.overflowed();
}

// From tier 1's places to those that the allocation chose.
void RegionEmitter::emit_entry() {
    if (!environment_.one_page) {
        const std::size_t moved = emit_generation_guard(e, environment_.expected);
        generation_site_ = e.position() + 1 - kGuardDistance;
        exits_.push({});
        exits_[0].jump = moved; // reported, see emit_cold_code
    }
    count_entry();
    e.mov(slot(ir::kPcSlot), e.rbp);
    for (unsigned number = 1; number < optimizer::kValueSlots; ++number) {
        const NodeId id = graph_->entries[number];
        const Location to = allocation_->of(id);
        if (to.kind == Location::Kind::None)
            continue;
        const int pinned = Emitter::host_of(number);
        const Location from = pinned >= 0
                                  ? Location{Location::Kind::Register, static_cast<std::uint8_t>(pinned)}
                                  : Location{Location::Kind::Slot, static_cast<std::uint8_t>(number)};
        moves_.push({to, from, id, false});
    }
    emit_moves();
}

void RegionEmitter::emit_block(BlockId id, BlockId next) {
    positions_[id] = e.position();
    const BasicBlock& block = graph_->blocks[id];
    environment_.marks.block(e.position(), id, block);
    for (NodeId n = block.first; n != kNoNode; n = graph_->at(n).next)
        if (!graph_->at(n).sunk)
            emit_node(n);
    mark(id, block.end_pc);
    switch (block.end) {
    case BasicBlock::End::Dispatch: count_followed_jump(); [[fallthrough]];
    case BasicBlock::End::Jump: return emit_edge(id, block.taken, charge_of(id, block.taken), next);
    case BasicBlock::End::Branch: return emit_branch(id, next);
    case BasicBlock::End::Indirect:
        return emit_exit(exit_indirect(id, block.set_count, block.guest_instructions, block.a,
                                       block.displacement, block.taken.leave));
    }
}

void RegionEmitter::emit_node(NodeId id) {
    const Node& node = graph_->at(id);
    mark(node.block, node.pc);
    switch (node.kind) {
    case Kind::Dead:
    case Kind::Entry:
    case Kind::Phi: return;
    case Kind::Operation: return emit_operation(id);
    case Kind::Probe: return emit_probe(id);
    case Kind::StreamProbe: return emit_stream_probe(id);
    case Kind::StreamStart: return emit_stream_start(id);
    case Kind::Extent: return emit_extent(id);
    case Kind::Within: return emit_within(id);
    case Kind::Guard:
        e.cmp(e.byte[e.r15 + (static_cast<int>(offsetof(Context, guard)) - kContextBias)], 0);
        return exit_from_jump(e.jump_if_later(kNotEqual), exit_before(node));
    case Kind::LeaveIf: return emit_leave_if(id);
    case Kind::Expect: {
        const Exit exit = exit_indirect(node.block, node.sets, node.guest_index, node.operands[0],
                                        node.displacement, Leave::Unexpected);
        count_followed_jump();
        const std::uint8_t code = emit_compare(node.operands[0], node.operands[1], ir::Condition::NotEqual);
        return exit_from_jump(e.jump_if_later(code), exit);
    }
    }
}

// What is due on the edge beyond what its target takes over.
std::int32_t RegionEmitter::charge_of(BlockId from, const Edge& edge) const {
    const BasicBlock& block = graph_->blocks[from];
    const int due = block.pending + block.guest_instructions;
    return edge.target == kNoBlock ? due : due - graph_->blocks[edge.target].pending;
}

void RegionEmitter::charge(std::int32_t instructions) {
    e.sub(e.context_field(offsetof(Context, budget)), static_cast<std::uint32_t>(instructions));
}

void RegionEmitter::emit_branch(BlockId id, BlockId next) {
    const BasicBlock& block = graph_->blocks[id];
    Edge taken = block.taken, other = block.not_taken;
    ir::Condition condition = block.condition;
    std::int32_t taken_charge = charge_of(id, taken), other_charge = charge_of(id, other);
    // One charge for both ways, and the look at the budget with it, before the comparison. But with nothing
    // but the branch, which is then left for later, leaving would be no progress.
    const bool looks = taken.backward || other.backward;
    if (looks && taken_charge == other_charge && taken_charge > 1) {
        charge(taken_charge);
        exit_from_jump(
            e.jump_if_later(kLessOrEqual),
            exit_for_budget(id, block.end_pc, 1 - (block.pending + block.guest_instructions - taken_charge)));
        taken_charge = other_charge = 0;
        taken.backward = other.backward = false;
    } else if (!looks && taken_charge == other_charge && taken.target != kNoBlock &&
               other.target != kNoBlock && taken_charge != 0) {
        charge(taken_charge);
        taken_charge = other_charge = 0;
    }
    std::uint8_t code = emit_compare(block.a, block.b, condition);
    // The way that falls through should be the next block's; else one on which something happens, the
    // likelier of two; none that leads out.
    const auto is_simple = [&](const Edge& edge, std::int32_t due) {
        return edge.target != kNoBlock && due == 0 && !edge.backward && !needs_moves(id, edge.target);
    };
    const auto weight = [&](const Edge& edge) {
        return edge.target == kNoBlock ? 0 : graph_->blocks[edge.target].weight;
    };
    const bool taken_is_simple = is_simple(taken, taken_charge);
    bool swap = taken.target != kNoBlock && taken.target == next;
    if (!swap && !taken_is_simple && taken.target != kNoBlock &&
        (other.target == kNoBlock || other.target != next))
        swap = weight(taken) >= weight(other);
    // Moves of a loop's end belong in its way.
    if (!swap && !taken_is_simple && taken.target != kNoBlock && weight(taken) > weight(other))
        swap = true;
    if (swap) {
        std::swap(taken, other);
        std::swap(taken_charge, other_charge);
        code ^= 1;
    }
    emit_taken(code, id, taken, taken_charge);
    emit_edge(id, other, other_charge, next);
}

// A conditional jump along the edge; what must happen on the way happens out of line.
void RegionEmitter::emit_taken(std::uint8_t condition, BlockId from, const Edge& edge, std::int32_t charge) {
    const std::size_t jump = e.jump_if_later(condition);
    if (edge.target != kNoBlock && charge == 0 && !edge.backward && !needs_moves(from, edge.target)) {
        fixups_.push({jump, edge.target});
        return;
    }
    if (edge.target != kNoBlock) {
        edge_blocks_.push({jump, from, edge, charge});
        return;
    }
    Exit exit = exit_at(from, graph_->blocks[from].set_count, 0, edge.pc);
    exit.charge = charge;
    exit.leave = edge.leave;
    exit_from_jump(jump, exit);
}

void RegionEmitter::emit_edge(BlockId from, const Edge& edge, std::int32_t instructions, BlockId next) {
    const std::uint16_t sets = graph_->blocks[from].set_count;
    if (edge.target == kNoBlock) {
        Exit exit = exit_at(from, sets, 0, edge.pc);
        exit.charge = instructions;
        exit.leave = edge.leave;
        return emit_exit(exit);
    }
    if (instructions != 0 || edge.backward)
        charge(instructions);
    if (edge.backward)
        exit_from_jump(e.jump_if_later(kLessOrEqual),
                       exit_for_budget(from, edge.pc, -std::int32_t{graph_->blocks[edge.target].pending}));
    for_each_phi(from, edge.target, [&](NodeId phi, NodeId value) {
        if (loses(phi, value))
            settle(value);
    });
    collect_phi_moves(from, edge.target);
    emit_moves();
    if (edge.target != next)
        jump_to_block(edge.target);
}

void RegionEmitter::jump_to_block(BlockId target) {
    fixups_.push({e.jump_later(), target});
}

// Calls visit(phi, value) for what the way brings to the block's phis.
template <class Visit>
void RegionEmitter::for_each_phi(BlockId from, BlockId to, Visit visit) {
    const BasicBlock& block = graph_->blocks[to];
    unsigned predecessor = 0;
    while (block.predecessors[predecessor] != from)
        ++predecessor;
    for (NodeId n = block.first; n != kNoNode; n = graph_->at(n).next) {
        const Node& phi = graph_->at(n);
        if (phi.kind == Kind::Phi && allocation_->of(n).kind != Location::Kind::None)
            visit(n, graph_->resolve(graph_->phis[phi.phi].values[predecessor]));
    }
}

void RegionEmitter::collect_phi_moves(BlockId from, BlockId to) {
    for_each_phi(from, to, [&](NodeId phi, NodeId value) {
        const Location source = location(value);
        if (source.kind == Location::Kind::Recompute || !(source == allocation_->of(phi)))
            moves_.push({allocation_->of(phi), source, value, false});
    });
}

bool RegionEmitter::needs_moves(BlockId from, BlockId to) {
    bool needs = false;
    for_each_phi(from, to, [&](NodeId phi, NodeId value) { needs = needs || loses(phi, value); });
    collect_phi_moves(from, to);
    needs = needs || !moves_.empty();
    moves_.clear();
    return needs;
}

RegionEmitter::Exit RegionEmitter::exit_at(BlockId block, std::uint16_t sets, std::uint16_t index,
                                           std::int32_t pc) const {
    Exit exit;
    exit.marked = marked_;
    exit.block = block;
    exit.sets = sets;
    exit.charge = graph_->blocks[block].pending + index;
    exit.pc = pc;
    return exit;
}

RegionEmitter::Exit RegionEmitter::exit_indirect(BlockId block, std::uint16_t sets, std::uint16_t index,
                                                 NodeId target, std::int32_t displacement,
                                                 Leave leave) const {
    Exit exit = exit_at(block, sets, index, 0);
    exit.kind = Exit::Kind::Indirect;
    exit.leave = leave;
    exit.target = target;
    exit.displacement = displacement;
    exit.profile = graph_->blocks[block].profile;
    return exit;
}

RegionEmitter::Exit RegionEmitter::exit_for_budget(BlockId block, std::int32_t pc,
                                                   std::int32_t give_back) const {
    const BasicBlock& of = graph_->blocks[block];
    Exit exit = of.end == BasicBlock::End::Dispatch
                    ? exit_indirect(block, of.set_count, 0, of.a, of.displacement, Leave::Budget)
                    : exit_at(block, of.set_count, 0, pc);
    exit.budget = true;
    exit.charge = 0;
    exit.give_back = give_back;
    return exit;
}

RegionEmitter::Exit RegionEmitter::exit_before(const Node& node) const {
    Exit exit = exit_at(node.block, node.sets, node.guest_index, node.pc);
    exit.unable = true;
    exit.leave = leave_of(node);
    return exit;
}

void RegionEmitter::exit_from_jump(std::size_t jump, const Exit& exit) {
    if (exits_.push(exit))
        exits_[exits_.size() - 1].jump = jump;
}

void RegionEmitter::raise(NodeId id) {
    const Node& node = graph_->at(id);
    if (!node.sunk || allocation_->of(id).kind != Location::Kind::None)
        return;
    for (const NodeId operand : node.operands)
        if (operand != kNoNode)
            raise(operand);
    const std::size_t index = registers().first_spill_slot + allocation_->spilled() + sunk_.size();
    if (index >= kFirstStreamSlot || !sunk_.push(id)) {
        too_much_ = true;
        return;
    }
    allocation_->place(id, {Location::Kind::Slot, static_cast<std::uint8_t>(index)});
    emit_operation(id);
}

void RegionEmitter::emit_exit(const Exit& exit) {
    graph_->for_each_changed(exit.block, exit.sets, 0, [&](unsigned, NodeId value) { raise(value); });
    if (exit.kind == Exit::Kind::Indirect)
        raise(exit.target);
    graph_->for_each_changed(
        exit.block, exit.sets, registers().pinned_slots(), [&](unsigned number, NodeId value) {
            const int pinned = Emitter::host_of(number);
            Move move;
            move.to = pinned >= 0 ? Location{Location::Kind::Register, static_cast<std::uint8_t>(pinned)}
                                  : Location{Location::Kind::Slot, static_cast<std::uint8_t>(number)};
            move.from = location(value);
            move.node = value;
            move.extend = is_narrow(value);
            moves_.push(move);
            settle(value);
        });
    if (exit.kind == Exit::Kind::Indirect) {
        const Location rbp{Location::Kind::Register, Xbyak::Operand::RBP};
        moves_.push({rbp, location(exit.target), exit.target, is_narrow(exit.target)});
    }
    emit_moves();
    for (const NodeId id : sunk_)
        allocation_->place(id, {});
    sunk_.clear();
    if (exit.kind == Exit::Kind::Indirect) {
        if (exit.displacement != 0)
            e.add(e.rbp, static_cast<std::uint32_t>(exit.displacement));
        e.and_(e.rbp, -2);
    } else {
        load_pc(e.rbp, exit.pc);
    }
    count_exit(exit);
    if (exit.budget) {
        if (exit.give_back != 0)
            charge(-exit.give_back);
        return e.jump_to(thunks_.exit_budget);
    }
    // Every way round a loop through other code looks at the budget here, whichever way the jump goes.
    charge(exit.charge);
    e.bind(e.jump_if_later(kLessOrEqual), thunks_.exit_budget);
    if (exit.kind == Exit::Kind::Indirect) {
        if (exit.profile != nullptr)
            emit_surprise(*exit.profile);
        emit_jump_cache_probe(e); // here too, so that the host predicts each jump by itself
        return e.jump_to(thunks_.through_cache);
    }
    if (exit.unable && exit.pc == 0) // not into the region again
        return e.jump_to(environment_.tier1);
    emit_link(exit.pc);
}

// Notes an address that nobody expected; after enough of them the region is to be formed anew.
void RegionEmitter::emit_surprise(JumpProfile& profile) {
    emit_note_jump(e, profile);
    static_assert(offsetof(JumpProfile, surprises) == 0);
    e.put(std::array<std::uint8_t, 3>{0x83, 0x28, 1}); // sub dword [rax], 1
    surprises_.push(e.jump_if_later(kEqual));
}

void RegionEmitter::mark(BlockId block, std::int32_t pc) {
    marked_ = pc;
    environment_.marks.guest(e.position(), graph_->blocks[block].source, pc);
}

void RegionEmitter::emit_cold_code() {
    const RegionMarks& marks = environment_.marks;
    marks.place(e.position(), "results that are not numbers");
    marks.none(e.position());
    float_.emit_cold_code();
    for (std::size_t i = 0; i < edge_blocks_.size(); ++i) {
        const EdgeBlock edge = edge_blocks_[i];
        marks.place(e.position(), "way to block", edge.edge.target);
        mark(edge.from, graph_->blocks[edge.from].end_pc);
        e.bind(edge.jump);
        emit_edge(edge.from, edge.edge, edge.charge, kNoBlock);
    }
    for (std::size_t i = 0; i < cold_.size(); ++i) {
        marks.place(e.position(), "miss", static_cast<std::int32_t>(i));
        graph_->at(cold_[i].node).kind == Kind::Within ? emit_outside(cold_[i]) : emit_probe_miss(cold_[i]);
    }
    std::size_t first = 0;
    if (generation_site_ != 0) {
        marks.place(e.position(), "elsewhere");
        marks.none(e.position());
        first = 1;
        e.bind(exits_[0].jump);
        e.mov(e.rax, environment_.identity);
        e.mov(e.context_field(offsetof(Context, exit) + offsetof(interpreter::Exit, value)), e.rax);
        e.jump_to(thunks_.exit_region);
    }
    for (std::size_t i = first; i < exits_.size(); ++i) {
        marks.place(e.position(), "exit", static_cast<std::int32_t>(i));
        mark(exits_[i].block, exits_[i].marked);
        e.bind(exits_[i].jump);
        emit_exit(exits_[i]);
    }
    if (surprises_.empty())
        return;
    marks.place(e.position(), "surprise");
    marks.none(e.position());
    for (const std::size_t jump : surprises_)
        e.bind(jump);
    e.mov(e.rdx, reinterpret_cast<std::uintptr_t>(environment_.root));
    e.jump_to(thunks_.exit_surprise);
}

// Like the edges of tier 1's blocks.
void RegionEmitter::emit_link(std::int32_t pc) {
    const std::int64_t target = std::int64_t{environment_.page_offset} + pc;
    const bool same_page = target >= 0 && target < static_cast<std::int64_t>(kPageSize);
    std::size_t guard = 0;
    if (!same_page) {
        guard = emit_generation_guard(e, 0);
    }
    const std::size_t site = e.jump_later();
    emit_edge_stub(e, thunks_.exit_edge, site, guard);
    environment_.marks.data(e.position() - sizeof(EdgeRecord), sizeof(EdgeRecord));
}

} // namespace ashlar::jit::x86_64
