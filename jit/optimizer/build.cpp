#include "jit/optimizer/build.h"

#include <algorithm>

#include "jit/optimizer/cfg.h"
#include "jit/optimizer/dispatch.h"
#include "jit/optimizer/state_words.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

// The largest block of IR.
constexpr std::size_t kMaxValues = 1024;
// Guest instructions for which a region is worth entering.
constexpr unsigned kEnough = 8;

bool is_known(const ir::Instruction& i) {
    const ir::OperationInfo& info = ir::info(i.opcode);
    if (info.flags == ir::kPure)
        return true;
    switch (i.opcode) {
    case Opcode::Get:
    case Opcode::Set:
        return i.immediate < static_cast<std::int64_t>(kValueSlots) ||
               (is_state_word(i.immediate) && i.type == ir::Type::Integer);
    case Opcode::Load:
    case Opcode::Store:
    case Opcode::LoadReserved:
    case Opcode::StoreConditional:
    case Opcode::Atomic:
    case Opcode::Fence:
    case Opcode::Guard:
    case Opcode::CallIf:
    case Opcode::CallUnless:
    case Opcode::Jump:
    case Opcode::Branch:
    case Opcode::JumpIndirect:
    case Opcode::FloatArithmetic:
    case Opcode::FloatFused:
    case Opcode::FloatCompare:
    case Opcode::FloatMinimum:
    case Opcode::FloatMaximum:
    case Opcode::FloatToInteger:
    case Opcode::FloatFromInteger:
    case Opcode::FloatWiden:
    case Opcode::FloatNarrow: return true;
    default: return false;
    }
}

bool is_access(const ir::Instruction& i) {
    return ir::info(i.opcode).is(ir::kMemory);
}

bool is_conditional_call(const ir::Instruction& i) {
    return i.opcode == Opcode::CallIf || i.opcode == Opcode::CallUnless;
}

class Build {
public:
    Build(const RegionSource& source, Supports supports, Graph& graph, Folder& folder)
        : source_(source), supports_(supports), graph_(graph), folder_(folder), words_(graph, folder) {}

    bool run() {
        graph_.clear();
        folder_.clear();
        lay_out_blocks();
        // A region that does nothing before it is left would be entered again for ever.
        if (graph_.overflowed() || graph_.blocks[1].guest_instructions == 0 || !analyze_control_flow(graph_))
            return false;
        if (is_cut_short())
            return false;
        create_entries();
        find_changed_slots();
        for (const BlockId id : graph_.order) {
            enter_block(id);
            if (is_of_source(id))
                translate(id);
            if (graph_.overflowed())
                return false;
            leave_block(id);
        }
        complete_phis();
        return !graph_.overflowed();
    }

private:
    // Without a loop, and with an instruction early in its way that only tier 1 can carry out, a region is
    // entered and left for little: the loop around it, if there is one, is better off in tier 1. What ends a
    // block anyway, a trap or a return from one, cuts nothing short.
    bool is_cut_short() const {
        bool cut = false;
        for (const BlockId id : graph_.order) {
            const BasicBlock& block = graph_.blocks[id];
            if (block.depth != 0)
                return false;
            cut = cut || (is_of_source(id) && is_cut(id) && block.weight * 2 >= graph_.blocks[1].weight);
        }
        return cut && !is_enough();
    }

    // Of the likeliest way from the region's start, which may go round where no block dominates the others.
    bool is_enough() const {
        unsigned instructions = 0;
        BlockId id = 1;
        for (std::size_t n = 0; n < graph_.blocks.size() && id != kNoBlock; ++n) {
            const BasicBlock& block = graph_.blocks[id];
            instructions += block.guest_instructions;
            const BlockId taken = block.taken.target;
            const BlockId other = block.end == BasicBlock::End::Branch ? block.not_taken.target : kNoBlock;
            const auto weight = [&](BlockId of) { return of == kNoBlock ? 0 : graph_.blocks[of].weight; };
            id = weight(taken) >= weight(other) ? taken : other;
        }
        return instructions >= kEnough;
    }

    bool is_cut(BlockId id) const {
        const std::size_t count = usable(id).size();
        return count != source_of(id).count &&
               !ir::info(instructions_of(source_of(id))[count].opcode).is(ir::kTerminator);
    }

    // Not the preheader, and not of a dispatch.
    bool is_of_source(std::size_t id) const { return id != 0 && id <= source_.blocks.size(); }
    const SourceBlock& source_of(BlockId id) const { return source_.blocks[id - 1u]; }
    std::span<const ir::Instruction> usable(BlockId id) const {
        return instructions_of(source_of(id)).first(usable_[id - 1u]);
    }
    std::span<const ir::Instruction> instructions_of(const SourceBlock& block) const {
        return {source_.instructions.begin() + block.first, block.count};
    }

    static Edge edge(std::int16_t target, std::int64_t pc) {
        Edge result;
        if (target != SourceBlock::kOutside)
            result.target = static_cast<BlockId>(target + 1);
        result.pc = static_cast<std::int32_t>(pc);
        return result;
    }

    void lay_out_blocks() {
        BasicBlock preheader;
        preheader.taken.target = 1;
        graph_.blocks.push(preheader);
        for (std::size_t i = 0; i < source_.blocks.size(); ++i) {
            usable_[i] = count_usable(source_.blocks[i]);
            graph_.blocks.push(lay_out(source_.blocks[i], usable_[i]));
            graph_.blocks[i + 1].source = static_cast<std::uint8_t>(i);
        }
        for (std::size_t i = 0; i < source_.blocks.size(); ++i)
            lay_out_ways(static_cast<BlockId>(i + 1), source_.blocks[i]);
    }

    // An indirect jump to likely addresses.
    void lay_out_ways(BlockId id, const SourceBlock& from) {
        dispatches_[id] = {};
        BasicBlock& block = graph_.blocks[id];
        std::array<LikelyTarget, RegionSource::kMaxWays> targets;
        std::size_t count = 0;
        for (std::size_t i = 0; block.end == BasicBlock::End::Indirect && i < from.way_count; ++i)
            if (const Way& way = source_.ways[from.first_way + i]; way.block != SourceBlock::kOutside)
                targets[count++] = {static_cast<BlockId>(way.block + 1), pc_of(way.block), way.weight};
        if (count == 1)
            expect(block, static_cast<std::int16_t>(targets[0].block - 1));
        else if (count != 0)
            dispatches_[id] = lay_out_dispatch(graph_, id, {targets.data(), count});
    }
    std::int32_t pc_of(std::int16_t block) const {
        return source_.blocks[static_cast<std::size_t>(block)].pc;
    }
    // An indirect jump to one address, behind an Expect.
    void expect(BasicBlock& block, std::int16_t target) const {
        const Leave leave = block.taken.leave;
        block.end = BasicBlock::End::Jump;
        block.taken = edge(target, pc_of(target));
        block.taken.leave = leave;
    }

    // How many instructions of the block are taken over: all, or those before the first guest instruction
    // that cannot be.
    std::size_t count_usable(const SourceBlock& block) const {
        const auto instructions = instructions_of(block);
        for (std::size_t n = 0; n < instructions.size(); ++n)
            if (!is_known(instructions[n]) || !supports_(instructions[n]) ||
                (is_conditional_call(instructions[n]) && !can_leave_before(instructions, n))) {
                const std::uint8_t guest = instructions[n].guest_index;
                while (n != 0 && instructions[n - 1].guest_index == guest)
                    --n;
                return n;
            }
        return instructions.size();
    }

    BasicBlock lay_out(const SourceBlock& block, std::size_t count) const {
        BasicBlock result;
        const auto instructions = instructions_of(block);
        result.pc = block.pc;
        result.weight = block.weight;
        if (count != instructions.size()) {
            const ir::Instruction& first = instructions[count];
            result.guest_instructions = first.guest_index;
            result.taken.pc = result.end_pc = block.pc + first.pc_offset;
            result.taken.leave = Leave::Unsupported;
            return result;
        }
        result.guest_instructions = block.guest_instructions;
        const ir::Instruction& last = instructions.back();
        result.end_pc = block.pc + last.pc_offset;
        switch (last.opcode) {
        case Opcode::Branch:
            result.end = BasicBlock::End::Branch;
            result.condition = static_cast<ir::Condition>(last.attribute);
            result.taken = edge(block.taken, block.pc + last.immediate);
            result.not_taken = edge(block.not_taken, block.pc + last.displacement);
            break;
        case Opcode::JumpIndirect:
            result.end = BasicBlock::End::Indirect;
            result.displacement = last.displacement;
            result.profile = block.profile;
            if (block.taken != SourceBlock::kOutside)
                expect(result, block.taken);
            break;
        default: result.taken = edge(block.taken, block.pc + last.immediate);
        }
        result.taken.leave = block.taken_leave;
        result.not_taken.leave = block.not_taken_leave;
        return result;
    }

    void create_entries() {
        for (unsigned slot = 1; slot < kValueSlots; ++slot) {
            Node node;
            node.kind = Kind::Entry;
            node.type = slot < ir::kFloatSlot ? ir::Type::Integer : ir::Type::Float;
            node.immediate = slot;
            graph_.entries[slot] = graph_.create(node);
            graph_.append(0, graph_.entries[slot]);
        }
        graph_.entries[0] = folder_.constant(0);
    }

    void find_changed_slots() {
        for (std::size_t id = 1; is_of_source(id); ++id)
            for (const ir::Instruction& i : usable(static_cast<BlockId>(id)))
                if (i.opcode != Opcode::Set)
                    continue;
                else if (is_state_word(i.immediate))
                    graph_.changed_words.set(static_cast<std::size_t>(i.immediate));
                else
                    graph_.changed_slots |= std::uint64_t{1} << i.immediate;
    }

    void enter_block(BlockId id) {
        BasicBlock& block = graph_.blocks[id];
        if (id == 0) {
            block.entry = graph_.entries;
            return;
        }
        bool all_known = true;
        for (unsigned i = 0; i < block.predecessor_count; ++i)
            all_known = all_known && graph_.blocks[block.predecessors[i]].order < block.order;
        const BasicBlock& first = graph_.blocks[block.predecessors[0]];
        if (block.predecessor_count == 1 && all_known) {
            block.entry = first.exit;
            return;
        }
        block.entry = graph_.entries;
        for (unsigned slot = 1; slot < kValueSlots; ++slot) {
            if ((graph_.changed_slots >> slot & 1) == 0)
                continue;
            bool same = all_known;
            for (unsigned i = 0; same && i < block.predecessor_count; ++i)
                same = graph_.blocks[block.predecessors[i]].exit[slot] == first.exit[slot];
            block.entry[slot] = same ? first.exit[slot] : create_phi(id, slot);
        }
    }

    NodeId create_phi(BlockId block, unsigned slot) {
        Node node;
        node.kind = Kind::Phi;
        node.type = slot < ir::kFloatSlot ? ir::Type::Integer : ir::Type::Float;
        node.immediate = slot;
        node.phi = static_cast<std::uint16_t>(graph_.phis.size());
        if (!graph_.phis.push({}))
            return graph_.entries[slot];
        const NodeId id = graph_.create(node);
        if (id == kNoNode)
            return graph_.entries[slot];
        graph_.append(block, id);
        return id;
    }

    void leave_block(BlockId id) {
        BasicBlock& block = graph_.blocks[id];
        block.exit = block.entry;
        for (unsigned i = 0; i < block.set_count; ++i) {
            const StateSet& set = graph_.sets[block.first_set + i];
            block.exit[set.slot] = set.node;
        }
    }

    void complete_phis() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            const Node& node = graph_.at(static_cast<NodeId>(i));
            if (node.kind != Kind::Phi)
                continue;
            const BasicBlock& block = graph_.blocks[node.block];
            for (unsigned p = 0; p < block.predecessor_count; ++p)
                graph_.phis[node.phi].values[p] =
                    graph_.blocks[block.predecessors[p]].exit[static_cast<std::size_t>(node.immediate)];
        }
    }

    void translate(BlockId id) {
        const SourceBlock& from = source_of(id);
        BasicBlock& block = graph_.blocks[id];
        block.first_set = static_cast<std::uint16_t>(graph_.sets.size());
        block_ = id;
        const auto instructions = usable(id);
        ASHLAR_ASSERT(instructions.size() <= kMaxValues);
        words_.begin_block();
        for (std::size_t n = 0; n < instructions.size() && !graph_.overflowed(); ++n) {
            folder_.set_pc(from.pc + instructions[n].pc_offset);
            if (n == 0 || instructions[n].guest_index != instructions[n - 1].guest_index)
                words_.begin_instruction(place_of(from, block, instructions[n]));
            values_[n] = translate(from, block, instructions[n]);
            if (is_access(instructions[n]) && values_[n] != kNoNode)
                graph_.at(values_[n]).site = source_.sites[from.first + n];
        }
    }

    NodeId value(ir::Value of) const { return values_[ir::index(of)]; }

    NodeId translate(const SourceBlock& from, BasicBlock& block, const ir::Instruction& i) {
        switch (i.opcode) {
        case Opcode::Constant: return folder_.constant(i.immediate);
        case Opcode::PcRelative: return folder_.pc_relative(from.pc + i.immediate);
        case Opcode::Get:
            if (is_state_word(i.immediate))
                return words_.get(static_cast<unsigned>(i.immediate));
            return graph_.state(block_, block.set_count, static_cast<unsigned>(i.immediate));
        case Opcode::Set:
            if (is_state_word(i.immediate))
                words_.set(static_cast<unsigned>(i.immediate), value(i.operands[0]));
            else if (graph_.sets.push({static_cast<std::uint8_t>(i.immediate), value(i.operands[0])}))
                ++block.set_count;
            return kNoNode;
        case Opcode::Jump: return kNoNode;
        case Opcode::Branch:
            block.a = value(i.operands[0]);
            block.b = value(i.operands[1]);
            return kNoNode;
        case Opcode::JumpIndirect: translate_indirect(from, block, i); return kNoNode;
        case Opcode::CallIf:
        case Opcode::CallUnless:
            words_.leave_if(value(i.operands[0]), i.opcode == Opcode::CallUnless);
            return kNoNode;
        default: break;
        }
        Node node = copy(from, block, i);
        if (rounds_statically(i)) {
            words_.require_rounding(i.rounding);
            node.rounding = ir::kDynamicRounding;
        }
        if (is_pure(node))
            return folder_.make(node, block_);
        if (i.opcode == Opcode::Guard)
            node.kind = Kind::Guard;
        if (accesses_memory(node))
            fold_displacement(node);
        const NodeId id = graph_.create(node);
        if (id != kNoNode) {
            graph_.at(id).is_word = node.kind == Kind::Operation && computes_word(graph_, node);
            graph_.append(block_, id);
        }
        return id;
    }

    Node place_of(const SourceBlock& from, const BasicBlock& block, const ir::Instruction& i) const {
        Node at;
        at.block = block_;
        at.guest_index = i.guest_index;
        at.pc = from.pc + i.pc_offset;
        at.sets = block.set_count;
        return at;
    }

    Node copy(const SourceBlock& from, const BasicBlock& block, const ir::Instruction& i) {
        Node node = place_of(from, block, i);
        node.block = kNoBlock;
        node.kind = Kind::Operation;
        node.opcode = i.opcode;
        node.type = i.type;
        node.width = i.width;
        node.attribute = i.attribute;
        node.precision = i.precision;
        node.rounding = i.rounding;
        node.displacement = i.displacement;
        if (i.opcode == Opcode::Fence)
            node.immediate = i.immediate;
        const ir::OperationInfo& info = ir::info(i.opcode);
        for (std::size_t n = 0; n < info.operand_count(); ++n)
            node.operands[n] = value(i.operands[n]);
        if (i.opcode >= Opcode::FloatArithmetic && i.opcode <= Opcode::FloatFromBits)
            graph_.uses_float = true;
        if (i.type == ir::Type::Float)
            graph_.uses_float = true;
        return node;
    }

    // Accesses through one register at several distances then have the same operand.
    void fold_displacement(Node& node) {
        while (graph_.is_operation(node.operands[0], Opcode::Add)) {
            const Node& add = graph_.at(node.operands[0]);
            if (!graph_.is_constant(add.operands[1]))
                return;
            const std::int64_t sum =
                std::int64_t{node.displacement} +
                std::clamp<std::int64_t>(graph_.at(add.operands[1]).immediate, -(1 << 30), 1 << 30);
            if (graph_.at(add.operands[1]).immediate != sum - node.displacement || sum < -(1 << 20) ||
                sum > 1 << 20)
                return;
            node.displacement = static_cast<std::int32_t>(sum);
            node.operands[0] = add.operands[0];
        }
    }

    void translate_indirect(const SourceBlock& from, BasicBlock& block, const ir::Instruction& i) {
        const NodeId address = value(i.operands[0]);
        if (block.end == BasicBlock::End::Dispatch)
            return complete_dispatch(graph_, folder_, block_, dispatches_[block_], address);
        if (block.end == BasicBlock::End::Indirect) {
            block.a = address;
            return;
        }
        Node expect = copy(from, block, i);
        expect.kind = Kind::Expect;
        expect.operands[1] =
            folder_.pc_relative(graph_.blocks[block.taken.target].pc - std::int64_t{i.displacement});
        if (expect.operands[0] == expect.operands[1])
            return;
        // Behind the whole instruction: a link register may have been set.
        expect.guest_index = static_cast<std::uint8_t>(block.guest_instructions);
        if (const NodeId id = graph_.create(expect); id != kNoNode)
            graph_.append(block_, id);
    }

    const RegionSource& source_;
    Supports supports_;
    Graph& graph_;
    Folder& folder_;
    StateWords words_;
    BlockId block_ = 0;
    std::array<std::size_t, kMaxBlocks> usable_; // of each source block, see count_usable()
    std::array<NodeId, kMaxValues> values_;      // of the block's instructions so far
    std::array<Dispatch, kMaxBlocks> dispatches_;
};

} // namespace

bool build(const RegionSource& source, Supports supports, Graph& graph, Folder& folder) {
    return Build(source, supports, graph, folder).run();
}

} // namespace ashlar::jit::optimizer
