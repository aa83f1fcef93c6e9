// Edges: jumps to other code, linked once that is known.
#pragma once

#include "jit/backend/x86_64/emitter.h"
#include "jit/jump_profile.h"

namespace ashlar::jit::x86_64 {

// From a guard's 64-bit immediate to the rel32 of the jump behind it: imm64, xor, cmp, jne rel32, jmp's
// opcode.
constexpr std::size_t kGuardDistance = 8 + 3 + 7 + 6 + 1;

// The generation and the pc, which is in rbp, must be those that `expected` is the exclusive or of. Changes
// rax. Returns the rel32 of the jump that is taken when they are not; the immediate lies kGuardDistance - 1
// bytes before what follows.
inline std::size_t emit_generation_guard(Emitter& e, std::uint64_t expected) {
    e.put(std::array<std::uint8_t, 2>{0x48, 0xb8}); // mov rax, imm64
    e.dq(expected);
    e.put(std::array<std::uint8_t, 3>{0x48, 0x31, 0xe8}); // xor rax, rbp
    e.cmp(e.rax, e.context_field(offsetof(Context, generation)));
    return e.jump_if_later(5 /* not equal */);
}

// Behind the call of an edge's stub.
struct EdgeRecord {
    std::uint32_t distance : 31; // from the rel32 to patch to the record
    std::uint32_t guarded : 1;
};
static_assert(sizeof(EdgeRecord) == 4);

inline void emit_edge_record(Emitter& e, std::size_t site, bool guarded) {
    const EdgeRecord record{static_cast<std::uint32_t>(e.position() - site) & 0x7fffffff, guarded};
    e.db(reinterpret_cast<const std::uint8_t*>(&record), sizeof record);
}

// The stub of the jump at `site`, where it leads before it is linked, or when its guard (whose jump's rel32
// is at `guard`, if not 0) fails.
inline void emit_edge_stub(Emitter& e, std::size_t exit_edge, std::size_t site, std::size_t guard) {
    e.bind(site);
    if (guard != 0)
        e.bind(guard);
    e.call_to(exit_edge);
    emit_edge_record(e, site, guard != 0);
}

// Looks rbp up in the jump cache: rax is an eighth of its entry's offset, unless the jump is taken whose
// rel32 is returned. Changes rdx.
inline std::size_t emit_jump_cache_compare(Emitter& e) {
    using interpreter::JumpCacheEntry;
    static_assert(sizeof(JumpCacheEntry) == 16);
    constexpr int kTag =
        static_cast<int>(offsetof(Context, jump_cache) + offsetof(JumpCacheEntry, tag)) - kContextBias;
    e.mov(e.eax, e.ebp);
    e.shr(e.eax, Context::kJumpCacheShift);
    e.xor_(e.eax, e.ebp);
    e.and_(e.eax, static_cast<std::uint32_t>(2 * (Context::kJumpCacheEntries - 1)));
    e.mov(e.rdx, e.rbp);
    e.xor_(e.rdx, e.context_field(offsetof(Context, generation)));
    e.cmp(e.ptr[e.r15 + e.rax * 8 + kTag], e.rdx);
    return e.jump_if_later(5 /* not equal */);
}
// Notes that rbp is where a jump leads. Changes rax, which is the profile's address then, and rcx.
inline void emit_note_jump(Emitter& e, const JumpProfile& profile) {
    constexpr std::size_t kLast = JumpProfile::kSamples - 1;
    static_assert((kLast & (kLast + 1)) == 0 && kLast <= 127);
    static_assert(offsetof(JumpProfile, samples) <= 127);
    e.put(std::array<std::uint8_t, 2>{0x48, 0xb8}); // mov rax, imm64
    e.dq(reinterpret_cast<std::uintptr_t>(&profile));
    e.mov(e.ecx, e.context_field(offsetof(Context, budget)));
    e.put(std::array<std::uint8_t, 3>{0x83, 0xe1, kLast}); // and ecx, kLast
    e.put(std::array<std::uint8_t, 4>{0x89, 0x6c, 0x88,
                                      offsetof(JumpProfile, samples)}); // mov [rax + 4 * rcx], ebp
}

// From r15 + 8 * rax then.
constexpr int kJumpCacheNative =
    static_cast<int>(offsetof(Context, jump_cache) + offsetof(interpreter::JumpCacheEntry, native)) -
    kContextBias;

// Goes to the code at rbp if the jump cache knows it, else falls through.
inline void emit_jump_cache_probe(Emitter& e) {
    const std::size_t other = emit_jump_cache_compare(e);
    e.jmp(e.ptr[e.r15 + e.rax * 8 + kJumpCacheNative]);
    e.bind(other);
}

} // namespace ashlar::jit::x86_64
