// Checks against extents, and what accesses then add to their addresses.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/region_operands.h"
#include "jit/mmu/mmu.h"

namespace ashlar::jit::x86_64 {

using mmu::Extents;
using optimizer::Kind;
using optimizer::kNoNode;

static_assert(optimizer::kExtentSlots == Extents::kSlots);
static_assert(optimizer::kFirstSlotToWrite == Extents::kFirstToWrite);
static_assert(optimizer::kNearRange == Extents::kNear && optimizer::kFarRange == Extents::kFar);

namespace {

// From r14.
std::size_t field_of(const optimizer::Node& node, std::size_t field) {
    return mmu::Mmu::extents_offset() + Extents::kSlotsOffset + node.slot * sizeof(Extents::Slot) + field;
}

} // namespace

void RegionEmitter::load_extent(const Reg64& to, NodeId id) {
    const Node& node = graph_->at(id);
    const std::size_t field = node.fused ? offsetof(Extents::Slot, host) : offsetof(Extents::Slot, addend);
    e.mov(to, e.ptr[e.r14 + field_of(node, field)]);
}

void RegionEmitter::emit_extent(NodeId id) {
    const Location to = allocation_->of(id);
    if (to.kind == Location::Kind::Register)
        load_extent(Reg64(to.index), id);
}

void RegionEmitter::emit_within(NodeId id) {
    const Node& node = graph_->at(id);
    const auto field = [&](std::size_t offset) { return e.ptr[e.r14 + field_of(node, offset)]; };
    if (node.grows) {
        e.cmp(in_register(node.operands[0], e.rax), field(offsetof(Extents::Slot, end)));
        return static_cast<void>(cold_.push({e.jump_if_later(kAboveOrEqual), e.position(), id}));
    }
    const Reg64 distance = target(id, e.rax);
    if (node.fused) {
        const Reg64 base = in_register(node.operands[0], e.rax);
        const Reg64 index = in_register(node.operands[1], e.rdx);
        e.lea(distance, e.ptr[base + index * (1 << node.scale) + node.low]);
    } else {
        load_address(node.operands[0], node.low);
    }
    const bool near = node.high - node.low <= optimizer::kNearRange;
    e.sub(distance, field(offsetof(Extents::Slot, start)));
    e.cmp(distance, field(near ? offsetof(Extents::Slot, near) : offsetof(Extents::Slot, far)));
    const std::size_t outside = e.jump_if_later(kAboveOrEqual);
    if (node.fused)
        finish(id, distance);
    cold_.push({outside, e.position(), id});
}

// Another extent may be put into the slot for the next time; this time tier 1 goes on.
void RegionEmitter::emit_outside(const Cold& cold) {
    const Node& node = graph_->at(cold.node);
    mark(node.block, node.pc);
    e.bind(cold.jump);
    if (node.grows) {
        load_address(node.operands[0], node.low);
    } else {
        const Reg64 distance = target(cold.node, e.rax);
        if (distance.getIdx() != e.rax.getIdx())
            e.mov(e.rax, distance);
        e.add(e.rax, e.ptr[e.r14 + field_of(node, offsetof(Extents::Slot, start))]);
    }
    e.call_to(graph_->uses_float ? thunks_.probe_with_float : thunks_.probe);
    ProbeRequest request{};
    request.length = static_cast<std::uint16_t>(node.high - node.low);
    request.extent = static_cast<std::uint8_t>(node.slot + 1);
    request.low = static_cast<std::int32_t>(node.immediate);
    environment_.marks.data(e.position(), sizeof request);
    e.db(reinterpret_cast<const std::uint8_t*>(&request), sizeof request);
    exit_from_jump(e.jump_later(), exit_before(node));
}

} // namespace ashlar::jit::x86_64
