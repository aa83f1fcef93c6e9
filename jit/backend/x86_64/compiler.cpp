#include "jit/backend/x86_64/compiler.h"

#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/edge.h"

namespace ashlar::jit {

Result<std::unique_ptr<NativeCompiler>> create_native_compiler(const CodeMemory& memory, bool shared_memory) {
    constexpr std::size_t kLeast = std::size_t{64} << 10;
    // Positions are 32-bit offsets.
    if (memory.writable.size() < kLeast || memory.writable.size() > std::size_t{1} << 30)
        return Error::InvalidArgument;
    std::unique_ptr<x86_64::Emitter> emitter(new (std::nothrow) x86_64::Emitter(memory.writable));
    if (emitter == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<x86_64::RegionCompiler> regions(new (std::nothrow)
                                                        x86_64::RegionCompiler(*emitter, shared_memory));
    if (regions == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<NativeCompiler> compiler(new (std::nothrow) x86_64::BaselineCompiler(
        memory, shared_memory, std::move(emitter), std::move(regions)));
    if (compiler == nullptr)
        return Error::OutOfMemory;
    return compiler;
}

} // namespace ashlar::jit

namespace ashlar::jit::x86_64 {

namespace {

// No block's code is larger: kMaxBlockInstructions, each at most a call and its record.
constexpr std::size_t kMaxBlockBytes = std::size_t{32} << 10;
constexpr std::size_t kMaxRegionBytes = std::size_t{192} << 10;
// What emit_counter() emits: mov rax, imm64; sub dword [rax + 8], 1; je.
constexpr std::size_t kCounterBytes = 10 + 4 + 6;
static_assert(offsetof(Op, d) + 4 == offsetof(Op, imm));

std::uint32_t counter(const Op& op) {
    std::uint32_t value;
    std::memcpy(&value, &op.d, sizeof value);
    return value;
}
void set_counter(Op& op, std::uint32_t value) {
    std::memcpy(&op.d, &value, sizeof value);
}

} // namespace

Bytes BaselineCompiler::compile(const NativeBlock& block) {
    if (emit_.position() + kMaxBlockBytes > memory_.writable.size())
        return {};
    body_ = emit_.position();
    block_ = &block;
    slow_path_count_ = edge_count_ = 0;
    floats_.begin(classifier_, block.code);
    counter_jump_ = 0;
    if (block.optimize_after != 0) {
        optimize_after_ = block.optimize_after;
        set_counter(block.code[0], block.optimize_after);
        mark(nullptr);
        emit_counter(block.code.data());
    }
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

constexpr std::array<std::uint8_t, 2> kCounterOpcode{0x48, 0xb8}; // mov rax, imm64

// The counter lies where the op that counted has its operands. Sequence of a fixed size: drop_region jumps
// over it.
void BaselineCompiler::emit_counter(const Op* code) {
    Emitter& e = emit_;
    e.put(kCounterOpcode);
    e.dq(reinterpret_cast<std::uintptr_t>(code));
    static_assert(offsetof(Op, d) == 8);
    e.put(std::array<std::uint8_t, 4>{0x83, 0x68, 8, 1}); // sub dword [rax + 8], 1
    counter_jump_ = e.jump_if_later(kEqual);
    ASHLAR_ASSERT(e.position() - body_ == kCounterBytes);
}

void BaselineCompiler::count_anew(const Op* root, std::uint32_t executions) {
    set_counter(const_cast<Op&>(*root), executions);
    // Where a region was, the beginning of emit_counter() is a jump.
    const auto body = static_cast<std::size_t>(root->imm);
    emit_.patch(body, kCounterOpcode);
    emit_.patch(body + kCounterOpcode.size(), reinterpret_cast<std::uintptr_t>(root));
}

std::uint32_t BaselineCompiler::executions(const Op* code) const {
    if (!is_compiled(code))
        return 0;
    const std::uint32_t left = counter(*code);
    return left <= optimize_after_ ? optimize_after_ - left : optimize_after_;
}

RegionCode BaselineCompiler::optimize(const NativeRegion& region) {
    ASHLAR_ASSERT(is_compiled(region.root));
    if (emit_.position() + kMaxRegionBytes > memory_.writable.size())
        return {};
    std::size_t site = 0;
    const auto body = static_cast<std::uint32_t>(region.root->imm);
    const RegionEnvironment environment{region.page_offset,
                                        region.one_page,
                                        region.pc ^ region.generation,
                                        region.identity,
                                        body + kCounterBytes,
                                        RegionMarks(region.marks, region.source, emit_.position()),
                                        region.exits,
                                        region.pc,
                                        region.root};
    regions_->set_verification(region.verify);
    const std::size_t entry = regions_->compile(region.source, environment, region.passes, site);
    RegionCode result{.graph = &regions_->graph(),
                      .allocation = &regions_->allocation(),
                      .registers = &RegionEmitter::registers()};
    if (entry == 0) {
        ++statistics_.regions_refused;
        drop_region(region.root);
        result.refusal = regions_->refusal();
        return result;
    }
    ASHLAR_ASSERT(emit_.position() - entry <= kMaxRegionBytes && Xbyak::GetError() == Xbyak::ERR_NONE);
    emit_.rewrite(body, 0xe9, 1);
    emit_.bind(body + 1, entry);
    ++statistics_.regions;
    for (const optimizer::SourceBlock& block : region.source.blocks)
        statistics_.region_instructions += block.guest_instructions;
    statistics_.region_bytes += emit_.position() - entry;
    result.code = {executable(entry), emit_.position() - entry};
    result.generation_site = site == 0 ? nullptr : executable(site);
    return result;
}

void BaselineCompiler::set_generation(const void* site, std::uint64_t pc, std::uint64_t generation) {
    emit_.rewrite(position_of(site), pc ^ generation, 8);
}

void BaselineCompiler::drop_region(const Op* root) {
    const auto body = static_cast<std::uint32_t>(root->imm);
    emit_.rewrite(body, 0xe9, 1);
    emit_.bind(body + 1, body + kCounterBytes);
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
    case Shape::Fence: return emit_fence();
    case Shape::Atomic: return emit_atomic(op_class, op);
    case Shape::LoadReserved: return emit_load_reserved(op_class, op);
    case Shape::StoreConditional: return emit_store_conditional(op_class, op);
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
        edge.guard_jump = emit_generation_guard(e, 0);
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
    if (counter_jump_ != 0) {
        emit_.bind(counter_jump_);
        emit_.jump_to(promote_);
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
