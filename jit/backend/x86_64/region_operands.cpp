// Where a region's values are, and how they get elsewhere.
#include "jit/backend/x86_64/region_operands.h"
#include "jit/backend/x86_64/region_emitter.h"

namespace ashlar::jit::x86_64 {

using optimizer::kNoNode;

const optimizer::RegisterFile& RegionEmitter::registers() {
    static constexpr optimizer::RegisterFile kFile = [] {
        optimizer::RegisterFile file;
        file.pinned.fill(-1);
        for (const Pinned& pinned : kPinned) {
            file.pinned[pinned.slot] = static_cast<std::int8_t>(pinned.host);
            file.integer = static_cast<std::uint16_t>(file.integer | 1u << pinned.host);
        }
        file.integer |= 1u << Xbyak::Operand::RCX | 1u << Xbyak::Operand::RBP;
        file.floating = 0x1fff;
        file.integer_names = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                              "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
        file.float_prefix = "xmm";
        file.first_spill_slot = interpreter::kFirstFreeSlot;
        file.spill_slots = kFirstStreamSlot - interpreter::kFirstFreeSlot;
        return file;
    }();
    return kFile;
}

RegionEmitter::Location RegionEmitter::location(NodeId id) const {
    if (graph_->is_constant(id))
        return {Location::Kind::Recompute, 0};
    return allocation_->of(id);
}

bool RegionEmitter::is_narrow(NodeId id) const {
    const Node& node = graph_->nodes[id];
    return node.is_word && !node.needs_upper && !graph_->is_constant(id);
}

// The region's start, which is in memory.
bool RegionEmitter::is_start(NodeId id) const {
    return graph_->is_operation(id, ir::Opcode::PcRelative) && graph_->at(id).immediate == 0;
}

void RegionEmitter::load_pc(const Reg64& to, std::int64_t offset) {
    e.mov(to, slot(ir::kPcSlot));
    if (offset != 0)
        e.lea(to, e.ptr[to + static_cast<int>(offset)]);
}

void RegionEmitter::load(const Reg64& to, NodeId id) {
    const Location from = location(id);
    switch (from.kind) {
    case Location::Kind::Register:
        if (from.index != to.getIdx())
            e.mov(to, Reg64(from.index));
        return;
    case Location::Kind::Slot: return e.mov(to, slot(from.index));
    case Location::Kind::Recompute:
        if (graph_->is_constant(id))
            return e.load_constant(to, graph_->at(id).immediate);
        if (graph_->at(id).kind == optimizer::Kind::Extent)
            return load_extent(to, id);
        return load_pc(to, graph_->at(id).immediate);
    default: ASHLAR_ASSERT(false);
    }
}

void RegionEmitter::load32(const Reg64& to, NodeId id) {
    const Location from = location(id);
    if (from.kind == Location::Kind::Register)
        e.mov(to.cvt32(), Xbyak::Reg32(from.index));
    else if (from.kind == Location::Kind::Slot)
        e.mov(to.cvt32(), e.slot_address32(from.index));
    else if (graph_->is_constant(id))
        e.load_constant(to, static_cast<std::int64_t>(static_cast<std::uint32_t>(graph_->at(id).immediate)));
    else {
        load(to, id);
        e.mov(to.cvt32(), to.cvt32());
    }
}

RegionEmitter::Reg64 RegionEmitter::in_register(NodeId id, const Reg64& scratch) {
    const Location from = location(id);
    if (from.kind == Location::Kind::Register)
        return Reg64(from.index);
    load(scratch, id);
    return scratch;
}

bool RegionEmitter::immediate(NodeId id, std::int32_t& value) const {
    if (!graph_->is_constant(id))
        return false;
    const std::int64_t constant = graph_->nodes[id].immediate;
    value = static_cast<std::int32_t>(constant);
    return constant == value;
}

RegionEmitter::Reg64 RegionEmitter::target(NodeId id, const Reg64& scratch) const {
    const Location to = allocation_->of(id);
    return to.kind == Location::Kind::Register ? Reg64(to.index) : scratch;
}

void RegionEmitter::finish(NodeId id, const Reg64& computed) {
    const Location to = allocation_->of(id);
    if (to.kind == Location::Kind::Slot)
        e.mov(slot(to.index), computed);
    else if (to.kind == Location::Kind::Register && to.index != computed.getIdx())
        e.mov(Reg64(to.index), computed);
}

bool RegionEmitter::lives_in(NodeId id, const Reg64& reg) const {
    return id != kNoNode &&
           location(id) == Location{Location::Kind::Register, static_cast<std::uint8_t>(reg.getIdx())};
}

RegionEmitter::Xmm RegionEmitter::in_float(NodeId id, const Xmm& scratch) {
    const Location from = location(id);
    if (from.kind == Location::Kind::Float)
        return Xmm(from.index);
    ASHLAR_ASSERT(from.kind == Location::Kind::Slot);
    e.movsd(scratch, slot(from.index));
    return scratch;
}

RegionEmitter::Xmm RegionEmitter::float_target(NodeId id, const Xmm& scratch) const {
    const Location to = allocation_->of(id);
    return to.kind == Location::Kind::Float ? Xmm(to.index) : scratch;
}

void RegionEmitter::finish_float(NodeId id, const Xmm& computed) {
    const Location to = allocation_->of(id);
    if (to.kind == Location::Kind::Slot)
        e.movsd(slot(to.index), computed);
    else if (to.kind == Location::Kind::Float && to.index != computed.getIdx())
        e.movaps(Xmm(to.index), computed);
}

void RegionEmitter::emit_moves() {
    const auto save = [&](const Location& location) -> Location {
        if (location.kind == Location::Kind::Float) {
            e.movaps(e.xmm15, Xmm(location.index));
            return {Location::Kind::Float, 15};
        }
        if (location.kind == Location::Kind::Register)
            e.mov(e.rax, Reg64(location.index));
        else
            e.mov(e.rax, slot(location.index));
        return {Location::Kind::Register, 0};
    };
    order_moves(
        moves_, [&](const Move& move) { emit_move(move); }, save);
}

// By way of rdx where the host has no such move; rax may hold what was put aside.
void RegionEmitter::emit_move(const Move& move) {
    using Kind = Location::Kind;
    const auto& [to, from, node, extend] = move;
    if (to.kind == Kind::Float) {
        from.kind == Kind::Float      ? e.movaps(Xmm(to.index), Xmm(from.index))
        : from.kind == Kind::Register ? e.movq(Xmm(to.index), Reg64(from.index))
                                      : e.movsd(Xmm(to.index), slot(from.index));
        return;
    }
    if (from.kind == Kind::Float) {
        ASHLAR_ASSERT(to.kind == Kind::Slot);
        return e.movsd(slot(to.index), Xmm(from.index));
    }
    const Reg64 through = to.kind == Kind::Register ? Reg64(to.index) : e.rdx;
    switch (from.kind) {
    case Kind::Register:
        if (extend) {
            e.movsxd(through, Xbyak::Reg32(from.index));
            break;
        }
        if (to.kind == Kind::Slot)
            return e.mov(slot(to.index), Reg64(from.index));
        e.mov(through, Reg64(from.index));
        break;
    case Kind::Slot:
        extend ? e.movsxd(through, e.slot_address32(from.index)) : e.mov(through, slot(from.index));
        break;
    default:
        if (to.kind == Kind::Slot && graph_->is_constant(node) &&
            graph_->at(node).immediate == static_cast<std::int32_t>(graph_->at(node).immediate))
            return e.mov(slot(to.index), static_cast<std::uint64_t>(graph_->at(node).immediate));
        if (graph_->is_constant(node))
            e.load_constant(through, graph_->at(node).immediate);
        else
            load_pc(through, graph_->at(node).immediate);
    }
    if (to.kind == Kind::Slot)
        e.mov(slot(to.index), through);
}

} // namespace ashlar::jit::x86_64
