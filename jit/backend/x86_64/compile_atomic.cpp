// Atomic read-modify-writes, load-reserved and store-conditional where the TLB has the page, and fences.
// While only this thread accesses guest memory plain instructions are enough: nothing comes between them.
#include "jit/backend/x86_64/compiler.h"
#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit::x86_64 {

using ir::AtomicOperation;
using Xbyak::Reg64;

namespace {

Xbyak::Reg part(const Reg64& whole, unsigned width) {
    return width == 4 ? Xbyak::Reg(whole.cvt32()) : Xbyak::Reg(whole);
}

} // namespace

// Leaves the host address in rax, if the access may be made there and is aligned, else goes to the slow path.
// Returns the jump that does.
std::size_t BaselineCompiler::emit_atomic_address(const OpClass& op_class, const Op& op, bool writes) {
    std::size_t slow_jump = 0;
    emit_.load_slot(emit_.rax, op.a);
    emit_probe(op_class.width, writes, Alignment::Natural, slow_jump);
    return slow_jump;
}

void BaselineCompiler::emit_sign_extended_load(const Reg64& to, const Reg64& address, unsigned width) {
    width == 4 ? emit_.movsxd(to, emit_.dword[address]) : emit_.mov(to, emit_.ptr[address]);
}

// `to` = memory OP value, from `memory` and the slot of the value.
void BaselineCompiler::emit_combination(AtomicOperation operation, const Reg64& to, const Reg64& memory,
                                        unsigned value_slot, unsigned width) {
    Emitter& e = emit_;
    e.load_slot(to, value_slot);
    switch (operation) {
    case AtomicOperation::Swap: return;
    case AtomicOperation::Add: return e.add(to, memory);
    case AtomicOperation::Xor: return e.xor_(to, memory);
    case AtomicOperation::And: return e.and_(to, memory);
    case AtomicOperation::Or: return e.or_(to, memory);
    default: break;
    }
    e.cmp(part(memory, width), part(to, width));
    switch (operation) {
    case AtomicOperation::Minimum: return e.cmovl(to, memory);
    case AtomicOperation::Maximum: return e.cmovge(to, memory);
    case AtomicOperation::MinimumUnsigned: return e.cmovb(to, memory);
    default: return e.cmovae(to, memory);
    }
}

void BaselineCompiler::emit_atomic(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    const auto operation = static_cast<AtomicOperation>(op_class.attribute);
    const unsigned width = op_class.width;
    const std::size_t slow_jump = emit_atomic_address(op_class, op, true);
    if (!shared_memory_) {
        emit_sign_extended_load(e.rcx, e.rax, width);
        emit_combination(operation, e.rdx, e.rcx, op.b, width);
        e.mov(e.ptr[e.rax], part(e.rdx, width));
        e.finish(op.d, e.rcx);
    } else if (operation == AtomicOperation::Add || operation == AtomicOperation::Swap) {
        e.load_slot(e.rdx, op.b);
        if (operation == AtomicOperation::Add) {
            e.lock();
            e.xadd(e.ptr[e.rax], part(e.rdx, width));
        } else {
            e.xchg(e.ptr[e.rax], part(e.rdx, width)); // locks by itself
        }
        if (width == 4)
            e.movsxd(e.rdx, e.edx);
        e.finish(op.d, e.rdx);
    } else {
        e.mov(e.rcx, e.rax);
        emit_sign_extended_load(e.rax, e.rcx, width);
        const std::size_t again = e.position();
        emit_combination(operation, e.rdx, e.rax, op.b, width);
        e.lock();
        e.cmpxchg(e.ptr[e.rcx], part(e.rdx, width));
        e.bind(e.jump_if_later(kNotEqual), again);
        if (width == 4)
            e.movsxd(e.rax, e.eax);
        e.finish(op.d, e.rax);
    }
    add_slow_path(slow_jump, &op);
}

void BaselineCompiler::emit_load_reserved(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    const std::size_t slow_jump = emit_atomic_address(op_class, op, false);
    emit_sign_extended_load(e.rcx, e.rax, op_class.width);
    e.mov(e.slot_address(ir::kReservationValidSlot), 1);
    e.mov(e.slot_address(ir::kReservationAddressSlot), e.rax);
    e.mov(e.slot_address(ir::kReservationValueSlot), e.rcx);
    e.finish(op.d, e.rcx);
    add_slow_path(slow_jump, &op);
}

void BaselineCompiler::emit_store_conditional(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    const unsigned width = op_class.width;
    const std::size_t slow_jump = emit_atomic_address(op_class, op, true);
    e.mov(e.rcx, e.rax);
    e.mov(e.rax, e.slot_address(ir::kReservationValueSlot));
    e.load_slot(e.rdx, op.b);
    e.cmp(e.slot_address(ir::kReservationValidSlot), 1);
    const std::size_t none = e.jump_if_later(kNotEqual);
    e.cmp(e.slot_address(ir::kReservationAddressSlot), e.rcx);
    const std::size_t elsewhere = e.jump_if_later(kNotEqual);
    if (shared_memory_) {
        e.lock();
        e.cmpxchg(e.ptr[e.rcx], part(e.rdx, width));
    } else {
        e.cmp(e.ptr[e.rcx], part(e.rax, width));
    }
    const std::size_t changed = e.jump_if_later(kNotEqual);
    if (!shared_memory_)
        e.mov(e.ptr[e.rcx], part(e.rdx, width));
    for (const std::size_t failed : {none, elsewhere, changed})
        e.bind(failed);
    // Equal when stored.
    e.mov(e.ecx, 0);
    e.setne(e.cl);
    e.mov(e.slot_address(ir::kReservationValidSlot), 0);
    e.finish(op.d, e.rcx);
    add_slow_path(slow_jump, &op);
}

void BaselineCompiler::emit_fence() {
    if (!shared_memory_)
        return;
    emit_.lock();
    emit_.or_(emit_.dword[emit_.rsp], 0);
}

} // namespace ashlar::jit::x86_64
