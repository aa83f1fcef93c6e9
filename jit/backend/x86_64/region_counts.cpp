// What a region counts when somebody wants to know: instructions in it and outside, and the ways out.
#include "jit/backend/x86_64/region_emitter.h"

namespace ashlar::jit::x86_64 {

namespace {

constexpr std::size_t kExit = offsetof(Context, region_exit), kMark = offsetof(Context, region_mark);

} // namespace

RegionEmitter::Leave RegionEmitter::leave_of(const Node& node) {
    switch (node.kind) {
    case optimizer::Kind::Guard: return Leave::Guard;
    case optimizer::Kind::LeaveIf: return Leave::System;
    case optimizer::Kind::Expect: return Leave::Unexpected;
    case optimizer::Kind::Operation: return is_atomic(node) ? Leave::Memory : Leave::Float;
    default: return Leave::Memory;
    }
}

// rax, rcx and rdx are scratch in these. Instructions retired are retired_at_zero - budget.
void RegionEmitter::count_entry() {
    if (environment_.exits == nullptr)
        return;
    e.mov(e.rax, e.context_field(offsetof(Context, retired_at_zero)));
    e.sub(e.rax, e.context_field(offsetof(Context, budget)));
    e.mov(e.rdx, e.context_field(kExit));
    count_since_mark(offsetof(RegionExit, outside));
}

void RegionEmitter::count_exit(const Exit& exit) {
    if (environment_.exits == nullptr)
        return;
    const bool followed = exit.leave == Leave::Unexpected || graph_->blocks[exit.block].compares;
    if (followed && exit.kind == Exit::Kind::Indirect && !exit.budget)
        count_jump(environment_.exits->jumps().missed);
    const bool direct = exit.kind == Exit::Kind::Direct;
    const auto address = [&](std::int32_t pc) {
        return environment_.pc + static_cast<std::uint64_t>(std::int64_t{pc});
    };
    RegionExit& counts = environment_.exits->add({.region = environment_.pc,
                                                  .from = address(exit.marked),
                                                  .to = direct ? address(exit.pc) : 0,
                                                  .reason = exit.budget ? Leave::Budget : exit.leave});
    e.mov(e.rax, e.context_field(offsetof(Context, retired_at_zero)));
    e.sub(e.rax, e.context_field(offsetof(Context, budget)));
    // What is charged next, or has not happened.
    e.add(e.rax, static_cast<std::uint32_t>(exit.budget ? -exit.give_back : exit.charge));
    e.mov(e.rdx, reinterpret_cast<std::uintptr_t>(&counts));
    e.inc(e.qword[e.rdx + offsetof(RegionExit, times)]);
    count_since_mark(offsetof(RegionExit, inside));
    e.mov(e.context_field(kExit), e.rdx);
}

void RegionEmitter::count_followed_jump() {
    if (environment_.exits != nullptr)
        count_jump(environment_.exits->jumps().all);
}

void RegionEmitter::count_jump(std::uint64_t& counter) {
    e.mov(e.rax, reinterpret_cast<std::uintptr_t>(&counter));
    e.inc(e.qword[e.rax]);
}

// Adds the instructions since the last time to what rdx points to; rax has those retired by now.
void RegionEmitter::count_since_mark(std::size_t field) {
    e.mov(e.rcx, e.rax);
    e.sub(e.rcx, e.context_field(kMark));
    e.add(e.ptr[e.rdx + field], e.rcx);
    e.mov(e.context_field(kMark), e.rax);
}

} // namespace ashlar::jit::x86_64
