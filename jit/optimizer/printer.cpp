#include "jit/optimizer/printer.h"

#include "jit/ir/printer.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

// What the node was in IR, for its name.
ir::Instruction instruction_of(const Node& node) {
    ir::Instruction result{};
    result.opcode = node.opcode;
    result.type = node.type;
    result.width = node.width;
    result.attribute = node.attribute;
    result.precision = node.precision;
    result.rounding = node.rounding;
    return result;
}

} // namespace

void Printer::print() {
    for (const BlockId id : graph_.order)
        print_block(id);
}

void Printer::print_block(BlockId id) {
    const BasicBlock& block = graph_.blocks[id];
    format(sink_, "block {}", id);
    if (id != 0) {
        sink_.write(" ");
        print_place(address(block.pc));
        format(sink_, ", {} instructions", block.guest_instructions);
    }
    format(sink_, ", weight {}", block.weight);
    if (block.depth != 0)
        format(sink_, ", in {} {}, the innermost with block {}", block.depth,
               block.depth == 1 ? "loop" : "loops", block.loop);
    for (unsigned i = 0; i < block.predecessor_count; ++i)
        format(sink_, "{}{}", i == 0 ? ", after " : " ", block.predecessors[i]);
    if (block.pending != 0)
        format(sink_, ", {} instructions not charged yet", block.pending);
    sink_.write(":\n");
    at_block_ = kNoBlock;
    for (NodeId n = block.first; n != kNoNode; n = graph_.at(n).next)
        if (is_shown(n)) {
            const Node& node = graph_.at(n);
            if (node.kind != Kind::Entry && node.kind != Kind::Phi)
                print_at(id, node.pc);
            print_node(n);
        }
    if (id != 0)
        print_at(id, block.end_pc);
    print_end(block);
    if (leaves_at_end(block)) {
        sink_.write("    outside:");
        print_state(id, block.set_count);
        sink_.write("\n");
    }
}

void Printer::print_at(BlockId id, std::int32_t pc) {
    if (at_block_ == id && at_pc_ == pc)
        return;
    at_block_ = id;
    at_pc_ = pc;
    print_instruction(address(pc));
}

// Constants are where they are used.
bool Printer::is_shown(NodeId id) const {
    const Node& node = graph_.nodes[id];
    if (node.kind == Kind::Dead || graph_.is_constant(id) || graph_.is_operation(id, Opcode::PcRelative))
        return false;
    return node.kind != Kind::Entry || allocation_.of(id).kind != Location::Kind::None;
}

void Printer::print_value(NodeId id) {
    format(sink_, "%{}", id);
    const Location at = allocation_.of(id);
    switch (at.kind) {
    case Location::Kind::None: sink_.write(graph_.at(id).sunk ? "" : " @nowhere"); break;
    case Location::Kind::Register: format(sink_, " @{}", registers_.integer_names[at.index & 15]); break;
    case Location::Kind::Float: format(sink_, " @{}{}", registers_.float_prefix, at.index); break;
    case Location::Kind::Slot: format(sink_, " @slot{}", at.index); break;
    case Location::Kind::Recompute: break;
    }
    sink_.write(" = ");
}

void Printer::print_use(NodeId id) {
    id = graph_.resolve(id);
    if (id == kNoNode)
        sink_.write("?");
    else if (graph_.is_constant(id))
        format(sink_, "#{}", graph_.at(id).immediate);
    else if (graph_.is_operation(id, Opcode::PcRelative))
        print_place(address(graph_.at(id).immediate));
    else
        format(sink_, "%{}", id);
}

void Printer::print_uses(const Node& node) {
    for (std::size_t i = 0; i < ir::info(node.opcode).operand_count(); ++i) {
        sink_.write(i == 0 ? " " : ", ");
        print_use(node.operands[i]);
    }
}

void Printer::print_node(NodeId id) {
    const Node& node = graph_.at(id);
    sink_.write("    ");
    if (has_value(node))
        print_value(id);
    switch (node.kind) {
    case Kind::Dead: break;
    case Kind::Entry:
        sink_.write("entry ");
        ir::print_slot(node.immediate, sink_);
        break;
    case Kind::Phi: print_phi(node); break;
    case Kind::Operation: print_operation(node); break;
    case Kind::Probe:
    case Kind::StreamProbe:
    case Kind::StreamStart: print_range(node); break;
    case Kind::Extent: format(sink_, "extent {}{}", node.slot, node.fused ? " host" : ""); break;
    case Kind::Within: print_check(node); break;
    case Kind::Guard: sink_.write("guard"); break;
    case Kind::LeaveIf:
        sink_.write(node.negated ? "leave.unless " : "leave.if ");
        print_use(node.operands[0]);
        break;
    case Kind::Expect:
        sink_.write("expect ");
        print_use(node.operands[0]);
        sink_.write(" to be ");
        print_use(node.operands[1]);
        break;
    }
    if (node.is_word && (node.kind == Kind::Operation || node.kind == Kind::Phi))
        sink_.write(node.needs_upper ? "  word" : "  narrow");
    if (node.sunk)
        sink_.write("  sunk");
    if (node.late)
        sink_.write("  late");
    if (node.unboxed)
        sink_.write("  unboxed");
    if (exits(node)) {
        sink_.write("  outside:");
        print_state(node.block, node.sets);
    }
    sink_.write("\n");
}

void Printer::print_phi(const Node& phi) {
    sink_.write("phi ");
    ir::print_slot(phi.immediate, sink_);
    const BasicBlock& block = graph_.blocks[phi.block];
    for (unsigned p = 0; p < block.predecessor_count; ++p) {
        format(sink_, "{} {}: ", p == 0 ? "" : ",", block.predecessors[p]);
        print_use(graph_.phis[phi.phi].values[p]);
    }
}

void Printer::print_operation(const Node& node) {
    ir::print_name(instruction_of(node), sink_);
    if (node.opcode == Opcode::Get || node.opcode == Opcode::Set) {
        sink_.write(" ");
        ir::print_slot(node.immediate, sink_);
        if (node.opcode == Opcode::Get)
            return;
        sink_.write(",");
    }
    if (!accesses_memory(node))
        return print_uses(node);
    sink_.write(" [");
    if (node.fused)
        print_address(kNoNode, node.operands[0], node.scale);
    else
        print_address(node.operands[0], kNoNode, 0);
    format(sink_, "{}]", node.displacement);
    if (probe_operand(node) == 2) {
        sink_.write(", ");
        print_use(node.operands[1]);
    }
    sink_.write(" by ");
    print_use(node.operands[probe_operand(node)]);
    if (node.aligned)
        sink_.write(", aligned");
    if (node.reserved)
        sink_.write(", reserved");
}

void Printer::print_address(NodeId base, NodeId index, unsigned scale) {
    if (base != kNoNode) {
        print_use(base);
        sink_.write(" + ");
    }
    if (index != kNoNode) {
        print_use(index);
        format(sink_, " << {} + ", scale);
    }
}

void Printer::print_range(const Node& probe) {
    const bool stream = probe.kind != Kind::Probe;
    sink_.write(stream ? probe.kind == Kind::StreamStart ? "stream.start" : "stream.probe" : "probe");
    sink_.write(probe.writes ? probe.speculative_write ? ".maybe_write" : ".write" : ".read");
    if (probe.speculative)
        sink_.write(".speculative");
    if (stream)
        format(sink_, " {},", probe.stream);
    sink_.write(" [");
    print_address(probe.operands[0], probe.fused ? probe.operands[1] : kNoNode, probe.scale);
    format(sink_, "{} to {}]{}", probe.low, probe.high, probe.fused ? "  fused" : "");
}

void Printer::print_check(const Node& check) {
    format(sink_, "within{} {} [", check.grows ? ".grows" : "", check.slot);
    print_address(check.operands[0], check.fused ? check.operands[1] : kNoNode, check.scale);
    format(sink_, "{} to {}]{}", check.low, check.high, check.fused ? "  fused" : "");
}

void Printer::print_end(const BasicBlock& block) {
    sink_.write("    ");
    switch (block.end) {
    case BasicBlock::End::Jump: print_edge(block.taken); break;
    case BasicBlock::End::Branch:
        format(sink_, "if {} ", ir::name_of(block.condition));
        print_use(block.a);
        sink_.write(", ");
        print_use(block.b);
        sink_.write(": ");
        print_edge(block.taken);
        sink_.write(", else ");
        print_edge(block.not_taken);
        break;
    case BasicBlock::End::Indirect:
        sink_.write("out to ");
        print_use(block.a);
        format(sink_, " + {}", block.displacement);
        break;
    case BasicBlock::End::Dispatch:
        sink_.write("look up ");
        print_use(block.a);
        format(sink_, " + {}: ", block.displacement);
        print_edge(block.taken);
        break;
    }
    sink_.write("\n");
}

void Printer::print_edge(const Edge& edge) {
    if (edge.target == kNoBlock) {
        sink_.write("out to ");
        print_place(address(edge.pc));
        return;
    }
    format(sink_, "block {}{}", edge.target, edge.backward ? " unless the budget is spent" : "");
}

// What differs from the entry of the region.
void Printer::print_state(BlockId id, unsigned sets) {
    graph_.for_each_changed(id, sets, 0, [&](unsigned slot, NodeId value) {
        sink_.write(" ");
        ir::print_slot(slot, sink_);
        sink_.write("=");
        print_use(value);
    });
}

} // namespace ashlar::jit::optimizer
