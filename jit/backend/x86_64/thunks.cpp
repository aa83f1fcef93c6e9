// Code that all blocks share: the ways in from the interpreter and out to it.
#include "jit/backend/x86_64/compiler.h"
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/edge.h"
#include "jit/backend/x86_64/second_level.h"

namespace ashlar::jit::x86_64 {

using interpreter::Exit;

namespace {

constexpr std::size_t kExit = offsetof(Context, exit);
constexpr std::size_t kPcOffset = 8 * ir::kPcSlot;
// Goes on behind an op that host code had the interpreter carry out.
const Op* resume(Context&, const Op* op) {
    return op;
}

} // namespace

BaselineCompiler::BaselineCompiler(const CodeMemory& memory, bool shared_memory,
                                   std::unique_ptr<Emitter> emitter, std::unique_ptr<RegionCompiler> regions)
    : memory_(memory),
      shared_memory_(shared_memory),
      emitter_(std::move(emitter)),
      emit_(*emitter_),
      float_(emit_),
      resume_{resume},
      regions_(std::move(regions)) {
    emit_thunks();
    places_.emplace(memory_, emit_);
}

void BaselineCompiler::emit_leave_null() {
    emit_count_exit();
    emit_.xor_(emit_.eax, emit_.eax);
    emit_.add(emit_.rsp, 8);
    for (const int saved : {15, 14, 13, 12, 5, 3})
        emit_.pop(Xbyak::Reg64(saved));
    emit_.ret();
}

void BaselineCompiler::emit_exit_thunk(Exit::Kind kind) {
    emit_.spill_pinned();
    emit_.mov(emit_.context_field(kPcOffset), emit_.rbp);
    emit_.mov(emit_.byte[emit_.r15 + (static_cast<int>(kExit + offsetof(Exit, kind)) - kContextBias)],
              static_cast<std::uint32_t>(kind));
    emit_leave_null();
}

// Goes to the code at rbp if the jump cache knows it and it is not compiled yet: there is nothing to link to.
void BaselineCompiler::emit_jump_to_interpreted() {
    Emitter& e = emit_;
    const std::size_t other = emit_jump_cache_compare(e);
    e.mov(e.rdx, reinterpret_cast<std::uintptr_t>(executable(interpret_)));
    e.cmp(e.ptr[e.r15 + e.rax * 8 + kJumpCacheNative], e.rdx);
    e.bind(e.jump_if_later(kEqual), interpret_);
    e.bind(other);
}

// Called as the thunk that carries out an op by its handler, for a load or store whose address is in rax and
// which has missed the first level. If the second has the page host code goes on with the access, else the
// handler does it.
void BaselineCompiler::emit_access_thunk(bool writes) {
    Emitter& e = emit_;
    access_positions_[writes ? 1 : 0] = e.position();
    constexpr int kResume = sizeof(Op);
    e.mov(e.rdx, e.ptr[e.rsp]);
    e.movzx(e.ecx, e.byte[e.rdx + kResume + offsetof(Op, d)]); // width
    e.lea(e.rcx, e.ptr[e.rax + e.rcx - 1]);
    e.xor_(e.rcx, e.rax);
    e.cmp(e.rcx, static_cast<std::uint32_t>(kPageSize));
    const std::size_t two_pages = e.jump_if_later(kAboveOrEqual);
    e.call_to(writes ? second_level_write_ : second_level_read_);
    const std::size_t missed = e.jump_if_later(kBelow);
    e.add(e.rax, e.rdx);
    e.pop(e.rdx);
    e.movsxd(e.rcx, e.dword[e.rdx + kResume + offsetof(Op, imm)]);
    e.add(e.rcx, e.rdx);
    e.jmp(e.rcx);
    e.bind(two_pages);
    e.bind(missed);
    to_call_[writes ? 1 : 0] = e.jump_later();
}

void BaselineCompiler::emit_thunks() {
    Emitter& e = emit_;
    // Enter, as a handler: rdi is the context, rsi the op, whose immediate is the block's position.
    enter_position_ = e.position();
    for (const int saved : {3, 5, 12, 13, 14, 15})
        e.push(Xbyak::Reg64(saved));
    e.sub(e.rsp, 8);
    e.lea(e.r15, e.ptr[e.rdi + kContextBias]);
    emit_count_entry();
    e.mov(e.eax, e.dword[e.rsi + offsetof(Op, imm)]);
    e.mov(e.rcx, reinterpret_cast<std::uintptr_t>(memory_.executable));
    e.add(e.rax, e.rcx);
    e.mov(e.rbp, e.context_field(kPcOffset));
    e.reload_pinned();
    e.jmp(e.rax);
    enter_ =
        reinterpret_cast<interpreter::Handler>(reinterpret_cast<std::uintptr_t>(executable(enter_position_)));

    second_level_read_ = e.position();
    emit_second_level_look_up(e, false);
    second_level_write_ = e.position();
    emit_second_level_look_up(e, true);
    emit_access_thunk(false);
    emit_access_thunk(true);
    // Carry out an op by its handler. Called; the op lies behind the call, then an op that resumes; host code
    // goes on behind that.
    call_position_ = e.position();
    for (const std::size_t jump : to_call_)
        e.bind(jump);
    e.pop(e.rax);
    e.spill_pinned();
    e.mov(e.context_field(kPcOffset), e.rbp);
    e.lea(e.rdi, e.ptr[e.r15 - kContextBias]);
    e.mov(e.rsi, e.rax);
    e.mov(e.rbx, e.rax);
    e.call(e.ptr[e.rax + offsetof(Op, handler)]);
    e.test(e.rax, e.rax);
    const std::size_t left = e.jump_if_later(kEqual);
    e.lea(e.rax, e.ptr[e.rbx + 2 * sizeof(Op)]);
    e.reload_pinned();
    e.jmp(e.rax);
    e.bind(left);
    emit_leave_null();

    exit_budget_ = e.position();
    emit_exit_thunk(Exit::Kind::Budget);

    // From a jump cache entry (an eighth of its offset is in rax) whose code is not compiled.
    interpret_ = e.position();
    e.mov(e.rdx, e.ptr[e.r15 + e.rax * 4 + (static_cast<int>(offsetof(Context, jump_code)) - kContextBias)]);
    // The op in rdx.
    interpret_op_ = e.position();
    e.spill_pinned();
    e.mov(e.context_field(kPcOffset), e.rbp);
    emit_count_exit();
    e.mov(e.rax, e.rdx);
    e.add(e.rsp, 8);
    for (const int saved : {15, 14, 13, 12, 5, 3})
        e.pop(Xbyak::Reg64(saved));
    e.ret();

    // Called by an edge that is not linked; its record lies behind the call.
    exit_edge_ = e.position();
    e.pop(e.rcx);
    emit_jump_to_interpreted();
    e.mov(e.rax, e.rcx);
    const std::size_t record_known = e.jump_later();
    exit_lookup_ = e.position();
    e.xor_(e.eax, e.eax);
    e.bind(record_known);
    e.mov(e.context_field(kExit + offsetof(Exit, native_edge)), e.rax);
    e.xor_(e.eax, e.eax);
    e.mov(e.context_field(kExit + offsetof(Exit, link)), e.rax);
    emit_exit_thunk(Exit::Kind::Lookup);

    through_cache_ = e.position();
    jump_cache_probe_ = e.record([&] { emit_jump_cache_probe(e); });
    e.put(jump_cache_probe_);
    e.jump_to(exit_lookup_);

    // Jumped to with the block's code in rax.
    promote_ = e.position();
    e.mov(e.context_field(kExit + offsetof(Exit, value)), e.rax);
    emit_exit_thunk(Exit::Kind::Promote);
    const std::size_t exit_region = e.position();
    emit_exit_thunk(Exit::Kind::Region);
    // Jumped to with the profile in rax and the root block's code in rdx.
    const std::size_t exit_surprise = e.position();
    e.mov(e.context_field(kExit + offsetof(Exit, cause)), e.rax);
    e.mov(e.context_field(kExit + offsetof(Exit, value)), e.rdx);
    emit_exit_thunk(Exit::Kind::Surprise);
    regions_->emit_shared(e, {exit_budget_,
                              exit_edge_,
                              through_cache_,
                              exit_region,
                              exit_surprise,
                              second_level_read_,
                              second_level_write_,
                              0,
                              0,
                              {}});
    record_probes();
}

void BaselineCompiler::emit_jump_indirect(const Op& op) {
    Emitter& e = emit_;
    if (Emitter::is_pinned(op.a)) {
        e.lea(e.rbp, Xbyak::Reg64(Emitter::host_of(op.a)), op.imm);
    } else {
        e.mov(e.rbp, e.slot_address(op.a));
        if (op.imm != 0)
            e.add(e.rbp, static_cast<std::uint32_t>(op.imm));
    }
    e.and_(e.rbp, ~1u);
    charge(op);
    e.bind(e.jump_if_later(kLessOrEqual), exit_budget_);
    e.put(jump_cache_probe_);
    e.jump_to(exit_lookup_);
}

} // namespace ashlar::jit::x86_64
