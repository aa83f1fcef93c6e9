// Atomics of a region, by the rules of tier 1: see compile_atomic.cpp. Their probes have made sure that the
// page may be accessed; where the address is not aligned the region is left before anything has happened.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/region_operands.h"

namespace ashlar::jit::x86_64 {

using ir::AtomicOperation;
using optimizer::probe_operand;

namespace {

Xbyak::Reg part(const Xbyak::Reg64& whole, unsigned width) {
    return width == 4 ? Xbyak::Reg(whole.cvt32()) : Xbyak::Reg(whole);
}

} // namespace

// Only what the host does not order by itself: loads behind stores. A fence.tso does not ask for that.
void RegionEmitter::emit_fence(const Node& fence) {
    constexpr std::int64_t kWrites = 1, kReads = 2, kOutput = 4, kInput = 8, kTso = 8;
    const std::int64_t before = fence.immediate >> 4 & 15, behind = fence.immediate & 15;
    const bool tso = (fence.immediate >> 8 & 15) == kTso;
    if (!shared_memory_ || tso || (before & (kWrites | kOutput)) == 0 || (behind & (kReads | kInput)) == 0)
        return;
    e.lock();
    e.or_(e.dword[e.rsp], 0);
}

void RegionEmitter::emit_atomic_address(NodeId id) {
    const Node& node = graph_->at(id);
    e.lea(e.rax, e.ptr[address(node, node.operands[probe_operand(node)])]);
    if (node.aligned)
        return;
    e.test(e.al, node.width - 1u);
    exit_from_jump(e.jump_if_later(kNotEqual), exit_before(node));
}

void RegionEmitter::restore_tlb() {
    e.mov(e.r14, e.context_field(offsetof(Context, tlb)));
}

void RegionEmitter::finish_atomic(NodeId id, const Reg64& old) {
    if (graph_->at(id).width == 4)
        return sign_extend(id, old);
    finish(id, old);
}

void RegionEmitter::emit_load_reserved(NodeId id) {
    const Node& node = graph_->at(id);
    emit_atomic_address(id);
    node.width == 4 ? e.movsxd(e.rdx, e.dword[e.rax]) : e.mov(e.rdx, e.ptr[e.rax]);
    e.mov(slot(ir::kReservationValidSlot), 1);
    e.mov(slot(ir::kReservationAddressSlot), e.rax);
    e.mov(slot(ir::kReservationValueSlot), e.rdx);
    finish(id, e.rdx);
}

void RegionEmitter::emit_store_conditional(NodeId id) {
    const Node& node = graph_->at(id);
    emit_atomic_address(id);
    load(e.rdx, node.operands[1]);
    std::size_t none = 0, elsewhere = 0;
    if (!node.reserved) {
        e.cmp(slot(ir::kReservationValidSlot), 1);
        none = e.jump_if_later(kNotEqual);
        e.cmp(e.rax, slot(ir::kReservationAddressSlot));
        elsewhere = e.jump_if_later(kNotEqual);
    }
    if (shared_memory_) {
        e.mov(e.r14, e.rax);
        e.mov(e.rax, slot(ir::kReservationValueSlot));
        e.lock();
        e.cmpxchg(e.ptr[e.r14], part(e.rdx, node.width));
    } else {
        e.mov(e.r14, slot(ir::kReservationValueSlot));
        e.cmp(e.ptr[e.rax], part(e.r14, node.width));
        const std::size_t changed = e.jump_if_later(kNotEqual);
        e.mov(e.ptr[e.rax], part(e.rdx, node.width));
        e.bind(changed);
    }
    if (!node.reserved) {
        e.bind(none);
        e.bind(elsewhere);
    }
    // Equal when stored.
    e.setne(e.dl);
    restore_tlb();
    e.mov(slot(ir::kReservationValidSlot), 0);
    const Reg64 to = target(id, e.rdx);
    e.movzx(to.cvt32(), e.dl);
    finish(id, to);
}

void RegionEmitter::emit_combination(const Node& atomic, const Reg64& memory) {
    const auto operation = static_cast<AtomicOperation>(atomic.attribute);
    switch (operation) {
    case AtomicOperation::Swap: return;
    case AtomicOperation::Add: return e.add(e.rdx, memory);
    case AtomicOperation::Xor: return e.xor_(e.rdx, memory);
    case AtomicOperation::And: return e.and_(e.rdx, memory);
    case AtomicOperation::Or: return e.or_(e.rdx, memory);
    default: break;
    }
    e.cmp(part(memory, atomic.width), part(e.rdx, atomic.width));
    switch (operation) {
    case AtomicOperation::Minimum: return e.cmovl(e.rdx, memory);
    case AtomicOperation::Maximum: return e.cmovge(e.rdx, memory);
    case AtomicOperation::MinimumUnsigned: return e.cmovb(e.rdx, memory);
    default: return e.cmovae(e.rdx, memory);
    }
}

// One instruction does it when nobody wants to know what was there.
bool RegionEmitter::emit_atomic_without_result(NodeId id) {
    const Node& node = graph_->at(id);
    const auto operation = static_cast<AtomicOperation>(node.attribute);
    if (allocation_->of(id).kind != Location::Kind::None || operation == AtomicOperation::Swap ||
        operation > AtomicOperation::Or)
        return false;
    std::int32_t constant = 0;
    const bool is_immediate = immediate(node.operands[1], constant);
    const Reg64 value = is_immediate ? e.rdx : in_register(node.operands[1], e.rdx);
    const Xbyak::Address memory = node.width == 4 ? e.dword[e.rax] : e.qword[e.rax];
    const auto apply = [&](auto with) {
        switch (operation) {
        case AtomicOperation::Add: return e.add(memory, with);
        case AtomicOperation::Xor: return e.xor_(memory, with);
        case AtomicOperation::And: return e.and_(memory, with);
        default: return e.or_(memory, with);
        }
    };
    e.lock();
    is_immediate ? apply(static_cast<std::uint32_t>(constant)) : apply(part(value, node.width));
    return true;
}

void RegionEmitter::emit_atomic(NodeId id) {
    emit_atomic_address(id);
    // Without the need for one instruction, a load and a store are faster: the host forwards what was stored.
    if (!shared_memory_)
        return emit_atomic_plainly(id);
    if (!emit_atomic_without_result(id))
        emit_atomic_locked(id);
}

void RegionEmitter::emit_atomic_plainly(NodeId id) {
    const Node& node = graph_->at(id);
    const Reg64 old = target(id, e.r14);
    node.width == 4 ? e.movsxd(old, e.dword[e.rax]) : e.mov(old, e.ptr[e.rax]);
    load(e.rdx, node.operands[1]);
    emit_combination(node, old);
    e.mov(e.ptr[e.rax], part(e.rdx, node.width));
    finish(id, old);
    if (old.getIdx() == e.r14.getIdx())
        restore_tlb();
}

void RegionEmitter::emit_atomic_locked(NodeId id) {
    const Node& node = graph_->at(id);
    const auto operation = static_cast<AtomicOperation>(node.attribute);
    if (operation == AtomicOperation::Add || operation == AtomicOperation::Swap) {
        load(e.rdx, node.operands[1]);
        if (operation == AtomicOperation::Add) {
            e.lock();
            e.xadd(e.ptr[e.rax], part(e.rdx, node.width));
        } else {
            e.xchg(e.ptr[e.rax], part(e.rdx, node.width)); // locks by itself
        }
        return finish_atomic(id, e.rdx);
    }
    e.mov(e.r14, e.rax);
    node.width == 4 ? e.movsxd(e.rax, e.dword[e.r14]) : e.mov(e.rax, e.ptr[e.r14]);
    const std::size_t again = e.position();
    load(e.rdx, node.operands[1]);
    emit_combination(node, e.rax);
    e.lock();
    e.cmpxchg(e.ptr[e.r14], part(e.rdx, node.width));
    e.bind(e.jump_if_later(kNotEqual), again);
    restore_tlb();
    finish_atomic(id, e.rax);
}

} // namespace ashlar::jit::x86_64
