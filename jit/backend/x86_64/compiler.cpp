#include "jit/backend/x86_64/compiler.h"

#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit {

Result<std::unique_ptr<NativeCompiler>> create_native_compiler(const CodeMemory& memory) {
    constexpr std::size_t kLeast = std::size_t{64} << 10;
    // Positions are 32-bit offsets.
    if (memory.writable.size() < kLeast || memory.writable.size() > std::size_t{1} << 30)
        return Error::InvalidArgument;
    std::unique_ptr<NativeCompiler> compiler(new (std::nothrow) x86_64::BaselineCompiler(memory));
    if (compiler == nullptr)
        return Error::OutOfMemory;
    return compiler;
}

} // namespace ashlar::jit

namespace ashlar::jit::x86_64 {

namespace {

// No block's code is larger: kMaxBlockInstructions, each at most a call and its record.
constexpr std::size_t kMaxBlockBytes = std::size_t{32} << 10;
// From a guard's 64-bit immediate to the rel32 of the jump behind it: imm64, xor, cmp, jne rel32, jmp's
// opcode.
constexpr std::size_t kGuardDistance = 8 + 3 + 7 + 6 + 1;

// Behind the call of an edge's stub.
struct EdgeRecord {
    std::uint32_t site; // position of the rel32 to patch
    std::uint32_t guarded;
};

} // namespace

Bytes BaselineCompiler::compile(const NativeBlock& block) {
    if (emit_.position() + kMaxBlockBytes > memory_.writable.size())
        return {};
    body_ = emit_.position();
    block_ = &block;
    slow_path_count_ = edge_count_ = 0;
    floats_.begin(classifier_, block.code);
    for (std::size_t i = 1; i < block.code.size(); ++i) {
        const Op& op = block.code[i];
        const OpClass op_class = classifier_.classify(op.handler);
        mark(&op);
        floats_.begin_op(i);
        emit_op(op, block);
        floats_.end_op(op_class, op);
        if (op_class.shape == Shape::LoadWide)
            ++i;
        if (op_class.shape >= Shape::Jump)
            break;
    }
    emit_cold_code();
    ASHLAR_ASSERT(emit_.position() - body_ <= kMaxBlockBytes && Xbyak::GetError() == Xbyak::ERR_NONE);
    block.code[0].imm = static_cast<std::int32_t>(body_);
    block.code[0].handler = enter_;
    ++statistics_.blocks;
    statistics_.guest_instructions += block.guest_instructions;
    statistics_.bytes += emit_.position() - body_;
    return {executable(body_), emit_.position() - body_};
}

void BaselineCompiler::emit_op(const Op& op, const NativeBlock& block) {
    Emitter& e = emit_;
    const OpClass op_class = classifier_.classify(op.handler);
    switch (op_class.shape) {
    case Shape::Binary:
        return e.handles_binary(op_class.opcode) ? e.emit_binary(op_class, op) : emit_call(&op);
    case Shape::BinaryImmediate:
        return e.handles_binary_immediate(op_class.opcode) ? e.emit_binary_immediate(op_class, op)
                                                           : emit_call(&op);
    case Shape::Unary:
        if (!e.emit_unary(op_class, op))
            emit_call(&op);
        return;
    case Shape::Copy: {
        const Xbyak::Reg64 to = e.target(op.d, e.rax);
        e.load_slot(to, op.a);
        return e.finish(op.d, to);
    }
    case Shape::LoadImmediate: {
        const Xbyak::Reg64 to = e.target(op.d, e.rax);
        if (Emitter::is_pinned(op.d))
            return e.load_constant(to, op.imm);
        return e.mov(e.slot_address(op.d), static_cast<std::uint64_t>(std::int64_t{op.imm}));
    }
    case Shape::LoadWide: {
        const Xbyak::Reg64 to = e.target(op.d, e.rax);
        e.mov(to, reinterpret_cast<const interpreter::WideConstant*>(&op + 1)->value);
        return e.finish(op.d, to);
    }
    case Shape::PcRelative: {
        const Xbyak::Reg64 to = e.target(op.d, e.rax);
        e.lea(to, e.ptr[e.rbp + op.imm]);
        return e.finish(op.d, to);
    }
    case Shape::Load: return emit_load(op_class, op);
    case Shape::Store: return emit_store(op_class, op);
    case Shape::Fence: e.lock(); return e.or_(e.dword[e.rsp], 0);
    case Shape::Float: return emit_float(op_class, op);
    case Shape::Guard: return emit_guard(op);
    case Shape::Jump:
        advance(op.imm);
        charge(op);
        if (op.imm <= 0)
            e.bind(e.jump_if_later(kLessOrEqual), exit_budget_);
        return emit_edge(op.imm, block);
    case Shape::Branch: return emit_branch(op_class, op, block);
    case Shape::JumpIndirect: return emit_jump_indirect(op);
    case Shape::Call: return emit_call(&op);
    case Shape::CallIf:
        if (Emitter::is_pinned(op.d))
            e.test(Xbyak::Reg64(Emitter::host_of(op.d)), Xbyak::Reg64(Emitter::host_of(op.d)));
        else
            e.cmp(e.slot_address(op.d), 0);
        return add_slow_path(e.jump_if_later(op_class.condition == ir::Condition::Equal ? kEqual : kNotEqual),
                             &op);
    case Shape::Leave: e.mov(e.rdx, reinterpret_cast<std::uintptr_t>(&op)); return e.jump_to(interpret_op_);
    }
}

void BaselineCompiler::charge(const Op& op) {
    emit_.sub(emit_.context_field(offsetof(Context, budget)), op.c);
}

void BaselineCompiler::emit_call(const Op* op) {
    emit_.call_to(call_position_);
    mark_data(2 * sizeof(Op));
    emit_.db(reinterpret_cast<const std::uint8_t*>(op), sizeof(Op));
    emit_.db(reinterpret_cast<const std::uint8_t*>(&resume_), sizeof(Op));
    floats_.clear();
}

void BaselineCompiler::emit_branch(const OpClass& op_class, const Op& op, const NativeBlock& block) {
    using ir::Condition;
    Emitter& e = emit_;
    charge(op);
    if (op.b == interpreter::kZeroSlot && Emitter::is_pinned(op.a)) {
        const Xbyak::Reg64 left(Emitter::host_of(op.a));
        e.test(left, left);
    } else {
        const Xbyak::Reg64 left = e.in_register(op.a, e.rax);
        if (Emitter::is_pinned(op.b))
            e.cmp(left, Xbyak::Reg64(Emitter::host_of(op.b)));
        else
            e.cmp(left, e.slot_address(op.b));
    }
    static constexpr std::uint8_t kCodes[] = {kEqual,          kNotEqual, kLess,
                                              kGreaterOrEqual, kBelow,    kAboveOrEqual};
    const std::size_t taken = e.jump_if_later(kCodes[static_cast<std::size_t>(op_class.condition)]);
    advance(op.d * 2);
    emit_edge(op.d * 2, block);
    e.bind(taken);
    advance(op.imm);
    if (op.imm <= 0) {
        e.cmp(e.context_field(offsetof(Context, budget)), 0);
        e.bind(e.jump_if_later(kLessOrEqual), exit_budget_);
    }
    emit_edge(op.imm, block);
}

void BaselineCompiler::advance(std::int32_t offset) {
    if (offset != 0)
        emit_.add(emit_.rbp, static_cast<std::uint32_t>(offset));
}

void BaselineCompiler::emit_edge(std::int32_t offset, const NativeBlock& block) {
    Emitter& e = emit_;
    const std::int64_t target = std::int64_t{block.page_offset} + offset;
    const bool same_page = block.own_page && target >= 0 && target < static_cast<std::int64_t>(kPageSize);
    if (same_page && offset == 0)
        return e.jump_to(body_);
    Edge edge{};
    if (!same_page) {
        // Until it is linked both ways lead to the stub.
        e.db(0x48); // mov rax, imm64
        e.db(0xb8);
        e.dq(0);
        e.xor_(e.rax, e.rbp);
        e.cmp(e.rax, e.context_field(offsetof(Context, generation)));
        edge.guard_jump = e.jump_if_later(kNotEqual);
    }
    edge.site = e.jump_later();
    ASHLAR_ASSERT(edge_count_ < kMaxEdges);
    edges_[edge_count_++] = edge;
}

void BaselineCompiler::add_slow_path(std::size_t jump, const Op* op) {
    ASHLAR_ASSERT(slow_path_count_ < kMaxSlowPaths);
    slow_paths_[slow_path_count_++] = {jump, emit_.position(), op, false, floats_.needed()};
}

void BaselineCompiler::emit_cold_code() {
    float_.emit_cold_code();
    for (std::size_t i = 0; i < slow_path_count_; ++i) {
        const SlowPath& slow = slow_paths_[i];
        emit_.bind(slow.jump);
        if (i + 1 < slow_path_count_ && slow_paths_[i + 1].op == slow.op)
            continue; // several jumps of one op
        mark(slow.op);
        emit_call(slow.op);
        if (slow.is_guard)
            emit_leave_if_interpreted(slow.op + 1);
        reload(slow.floats);
        emit_.jump_to(slow.resume);
    }
    mark(nullptr);
    for (std::size_t i = 0; i < edge_count_; ++i) {
        const Edge& edge = edges_[i];
        emit_.bind(edge.site);
        if (edge.guard_jump != 0)
            emit_.bind(edge.guard_jump);
        emit_.call_to(exit_edge_);
        const EdgeRecord record{static_cast<std::uint32_t>(edge.site), edge.guard_jump != 0};
        mark_data(sizeof record);
        emit_.db(reinterpret_cast<const std::uint8_t*>(&record), sizeof record);
    }
}

const void* BaselineCompiler::entry(const Op* code) const {
    return executable(is_compiled(code) ? static_cast<std::uint32_t>(code->imm) : interpret_);
}

void BaselineCompiler::link(const void* native_edge, const Op* target, std::uint64_t target_pc,
                            std::uint64_t generation) {
    EdgeRecord record;
    std::memcpy(&record, memory_.writable.data() + position_of(native_edge), sizeof record);
    if (record.guarded != 0)
        emit_.rewrite(record.site - kGuardDistance, target_pc ^ generation, 8);
    emit_.bind(record.site, static_cast<std::uint32_t>(target->imm));
    ++statistics_.links;
}

void BaselineCompiler::link_through_jump_cache(const void* native_edge) {
    // Turns the stub itself into the jump. The guard still is as it was emitted or holds for an older
    // generation.
    constexpr std::size_t kCallBytes = 5;
    const std::size_t stub = position_of(native_edge) - kCallBytes;
    emit_.rewrite(stub, 0xe9, 1);
    emit_.bind(stub + 1, through_cache_);
    ++statistics_.links;
}

void BaselineCompiler::flush() {
    emit_.setSize(start_of_blocks_);
}

} // namespace ashlar::jit::x86_64
