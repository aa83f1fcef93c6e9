#include "jit/backend/x86_64/compiler.h"

#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/edge.h"

namespace ashlar::jit {

Result<std::unique_ptr<NativeCompiler>> create_native_compiler(const CodeMemory& memory, bool shared_memory) {
    return x86_64::BaselineCompiler::create(memory, shared_memory);
}

} // namespace ashlar::jit

namespace ashlar::jit::x86_64 {

namespace {

// No block's code is larger: kMaxBlockInstructions, each at most a call and its record.
constexpr std::size_t kMaxBlockBytes = std::size_t{32} << 10;
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

Result<std::unique_ptr<NativeCompiler>> BaselineCompiler::create(const CodeMemory& memory,
                                                                 bool shared_memory) {
    constexpr std::size_t kLeast = std::size_t{64} << 10;
    if (memory.writable.size() < kLeast || memory.writable.size() > Encoder::kUnplaced)
        return Error::InvalidArgument;
    std::unique_ptr<NativeCompiler> compiler(new (std::nothrow) BaselineCompiler(
        memory, shared_memory, ASHLAR_TRY(Emitter::create(kMaxBlockBytes)),
        ASHLAR_TRY(RegionCompiler::create(shared_memory))));
    if (compiler == nullptr)
        return Error::OutOfMemory;
    return compiler;
}

Bytes BaselineCompiler::compile(const NativeBlock& block) {
    emit_.begin_unplaced();
    body_ = emit_.position();
    block_ = &block;
    slow_path_count_ = edge_count_ = 0;
    group_ = {};
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
        if (op_class.shape == Shape::Load || op_class.shape == Shape::Store)
            begin_group(block, i);
        floats_.begin_op(i);
        emit_op(op, block);
        floats_.end_op(op_class, op);
        if (i + 1 == group_.end)
            end_group(block);
        if (op_class.shape == Shape::LoadWide)
            ++i;
        if (op_class.shape >= Shape::Jump)
            break;
    }
    emit_cold_code();
    const UnplacedCode code = emit_.unplaced();
    const std::size_t position = places_->place(CodePart::Blocks, code);
    if (position == 0)
        return {};
    block.code[0].imm = static_cast<std::int32_t>(position);
    block.code[0].handler = enter_;
    ++statistics_.blocks;
    statistics_.guest_instructions += block.guest_instructions;
    statistics_.bytes += code.bytes.size();
    return {executable(position), code.bytes.size()};
}

void BaselineCompiler::free_block(const Op* code) {
    ASHLAR_ASSERT(is_compiled(code));
    places_->free(CodePart::Blocks, position_of(code));
}

constexpr std::array<std::uint8_t, 2> kCounterOpcode{0x48, 0xb8}; // mov rax, imm64
constexpr std::uint8_t kJumpOpcode = 0xe9;                        // jmp rel32

// The counter lies where the op that counted has its operands. Sequence of a fixed size: run_plainly() jumps
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
    const std::size_t body = position_of(root);
    places_->patch(body, kCounterOpcode);
    places_->patch(body + kCounterOpcode.size(), reinterpret_cast<std::uintptr_t>(root));
}

std::uint32_t BaselineCompiler::executions(const Op* code) const {
    if (!is_compiled(code))
        return 0;
    const std::uint32_t left = counter(*code);
    return left <= optimize_after_ ? optimize_after_ - left : optimize_after_;
}

std::uint32_t BaselineCompiler::executions_left(const Op* code) const {
    return counter(*code);
}

RegionCode BaselineCompiler::optimize(const NativeRegion& region) {
    const RegionEnvironment environment{region.page_offset,
                                        region.one_page,
                                        region.pc ^ region.generation,
                                        region.identity,
                                        places_->position_of(region.root_entry) + kCounterBytes,
                                        RegionMarks(region.marks, region.source, Encoder::kUnplaced),
                                        region.exits,
                                        region.pc,
                                        region.root};
    regions_->set_verification(region.verify);
    RegionCode result{.code = regions_->compile(region.source, environment, region.passes),
                      .graph = &regions_->graph(),
                      .allocation = &regions_->allocation(),
                      .registers = &RegionEmitter::registers()};
    if (result.code.bytes.empty()) {
        result.refusal = regions_->refusal();
        return result;
    }
    result.generation_offset = regions_->generation_offset();
    for (const optimizer::SourceBlock& block : region.source.blocks)
        result.guest_instructions += block.repeats ? 0 : block.guest_instructions;
    return result;
}

Bytes BaselineCompiler::place_region(const RegionCode& region) {
    const std::size_t position = places_->place(CodePart::Regions, region.code);
    if (position == 0)
        return {};
    ++statistics_.regions;
    statistics_.region_instructions += region.guest_instructions;
    statistics_.region_bytes += region.code.bytes.size();
    return {executable(position), region.code.bytes.size()};
}

void BaselineCompiler::free_region(const std::byte* code) {
    places_->free(CodePart::Regions, places_->position_of(code));
}

// A jump takes the place of the counter's first instruction.
void BaselineCompiler::enter_region(const Op* root, const std::byte* code) {
    ASHLAR_ASSERT(is_compiled(root));
    places_->patch(position_of(root), kJumpOpcode);
    places_->bind(position_of(root) + 1, places_->position_of(code));
}

void BaselineCompiler::set_generation(const void* site, std::uint64_t pc, std::uint64_t generation) {
    places_->patch(places_->position_of(site), pc ^ generation);
}

void BaselineCompiler::run_plainly(const Op* root) {
    places_->patch(position_of(root), kJumpOpcode);
    places_->bind(position_of(root) + 1, position_of(root) + kCounterBytes);
}

void BaselineCompiler::emit_op(const Op& op, const NativeBlock& block) {
    Emitter& e = emit_;
    const OpClass op_class = classifier_.classify(op.handler);
    switch (op_class.shape) {
    case Shape::Binary:
        return e.handles_binary(op_class.opcode) ? e.emit_binary(op_class, op) : emit_call(&op);
    case Shape::BinaryImmediate:
        if (e.handles_binary_immediate(op_class.opcode))
            return e.emit_binary_immediate(op_class, op);
        return e.handles_binary(op_class.opcode) ? e.emit_binary_by_slot(op_class, op) : emit_call(&op);
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
    slow_paths_[slow_path_count_++] = {jump, emit_.position(), op, op + 1, false, floats_.needed()};
}

// As emit_call(), for the thunk that looks into the TLB's second level first: in the op that resumes it finds
// what it needs.
void BaselineCompiler::emit_access_call(const SlowPath& slow) {
    emit_.call_to(access_positions_[slow.writes ? 1 : 0]);
    mark_data(2 * sizeof(Op));
    Op resume = resume_;
    resume.d = static_cast<std::uint8_t>(slow.width);
    resume.imm = static_cast<std::int32_t>(slow.access - emit_.position());
    emit_.db(reinterpret_cast<const std::uint8_t*>(slow.op), sizeof(Op));
    emit_.db(reinterpret_cast<const std::uint8_t*>(&resume), sizeof(Op));
    floats_.clear();
}

void BaselineCompiler::emit_cold_code() {
    float_.emit_cold_code();
    for (std::size_t i = 0; i < slow_path_count_; ++i) {
        const SlowPath& slow = slow_paths_[i];
        emit_.bind(slow.jump);
        if (i + 1 < slow_path_count_ && slow_paths_[i + 1].op == slow.op)
            continue; // several jumps of one op
        const bool is_group = slow.end != slow.op + 1;
        mark(slow.op);
        if (slow.access != 0 && is_group)
            emit_group_look_up(slow);
        if (slow.access != 0 && !is_group) {
            emit_access_call(slow);
        } else {
            for (const Op* op = slow.op; op != slow.end; ++op) {
                mark(op);
                emit_call(op);
            }
        }
        if (slow.is_guard)
            emit_leave_if_interpreted(slow.end);
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
        mark_data(sizeof(EdgeRecord));
        emit_edge_record(emit_, edge.site, edge.guard_jump != 0);
    }
    if (counter_jump_ != 0) {
        emit_.bind(counter_jump_);
        emit_.jump_to(promote_);
    }
}

const void* BaselineCompiler::entry(const Op* code) const {
    return executable(is_compiled(code) ? position_of(code) : interpret_);
}

void BaselineCompiler::link(const void* native_edge, const Op* target, std::uint64_t target_pc,
                            std::uint64_t generation) {
    const std::size_t record_position = places_->position_of(native_edge);
    const auto record = places_->read<EdgeRecord>(record_position);
    const std::size_t site = record_position - record.distance;
    if (record.guarded != 0)
        places_->patch(site - kGuardDistance, target_pc ^ generation);
    places_->bind(site, position_of(target));
    ++statistics_.links;
}

void BaselineCompiler::link_through_jump_cache(const void* native_edge) {
    // Turns the stub itself into the jump. The guard still is as it was emitted or holds for an older
    // generation.
    constexpr std::size_t kCallBytes = 5;
    const std::size_t stub = places_->position_of(native_edge) - kCallBytes;
    places_->patch(stub, kJumpOpcode);
    places_->bind(stub + 1, through_cache_);
    ++statistics_.links;
}

void BaselineCompiler::flush() {
    places_->clear();
}

} // namespace ashlar::jit::x86_64
