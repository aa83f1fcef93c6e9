// Loads and stores: a probe of the TLB, and the access.
#include "jit/backend/x86_64/compiler.h"

#include <bit>

#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit::x86_64 {

namespace {

std::size_t width_index(const OpClass& op_class) {
    return static_cast<std::size_t>(std::countr_zero(unsigned{op_class.width}));
}

} // namespace

void BaselineCompiler::emit_address(const Op& op) {
    Emitter& e = emit_;
    if (Emitter::is_pinned(op.a)) {
        const Xbyak::Reg64 base(Emitter::host_of(op.a));
        op.imm == 0 ? e.mov(e.rax, base) : e.lea(e.rax, base, op.imm);
        return;
    }
    e.mov(e.rax, e.slot_address(op.a));
    if (op.imm != 0)
        e.add(e.rax, static_cast<std::uint32_t>(op.imm));
}

void BaselineCompiler::record_probes() {
    for (unsigned i = 0; i < kWidths; ++i) {
        read_probes_[i] = record_probe(1u << i, false);
        write_probes_[i] = record_probe(1u << i, true);
    }
}

BaselineCompiler::Probe BaselineCompiler::record_probe(unsigned width, bool writes) {
    Probe probe;
    const std::size_t begin = emit_.position();
    probe.code = emit_.record([&] { emit_probe(width, writes, Alignment::Any, probe.slow_jump); });
    probe.slow_jump -= begin;
    return probe;
}

std::size_t BaselineCompiler::put_probe(const Probe& probe) {
    const std::size_t slow_jump = emit_.position() + probe.slow_jump;
    emit_.put(probe.code);
    return slow_jump;
}

void BaselineCompiler::emit_probe(unsigned width, bool writes, Alignment alignment, std::size_t& slow_jump) {
    Emitter& e = emit_;
    e.tlb_index(e.ecx, e.eax);
    e.mov(e.rdx, e.tlb_tag(e.rcx, writes));
    e.xor_(e.rdx, e.rax);
    // On a hit the place of the access in its page.
    if (alignment == Alignment::Natural) {
        constexpr auto kTagBits = -static_cast<std::int32_t>(kPageSize);
        e.test(e.rdx, static_cast<std::uint32_t>(kTagBits | static_cast<std::int32_t>(width - 1)));
        slow_jump = e.jump_if_later(kNotEqual);
    } else {
        e.cmp(e.rdx, static_cast<std::uint32_t>(kPageSize - width));
        slow_jump = e.jump_if_later(kAbove);
    }
    e.add(e.rax, e.tlb_addend(e.rcx));
}

Xbyak::RegExp BaselineCompiler::begin_access(const OpClass& op_class, const Op& op, bool writes,
                                             std::size_t& slow_jump) {
    if (group_.end != 0)
        return emit_.rcx + (op.imm - group_.low);
    emit_address(op);
    slow_jump = put_probe((writes ? write_probes_ : read_probes_)[width_index(op_class)]);
    access_ = emit_.position();
    return emit_.rax + 0;
}

void BaselineCompiler::end_access(const OpClass& op_class, const Op& op, bool writes, std::size_t slow_jump) {
    if (group_.end != 0)
        return;
    add_slow_path(slow_jump, &op);
    SlowPath& slow = slow_paths_[slow_path_count_ - 1];
    slow.access = access_;
    slow.width = op_class.width;
    slow.writes = writes;
}

void BaselineCompiler::emit_load(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    std::size_t slow_jump = 0;
    const Xbyak::RegExp from = begin_access(op_class, op, false, slow_jump);
    const bool boxes = op_class.extension == ir::Extension::Box;
    if (boxes || FloatCache::is_float(op.d)) {
        const Xbyak::Xmm to(floats_.assign(op.d));
        boxes ? float_.load_single(to, e.dword[from]) : float_.load(to, e.qword[from]);
        e.movq(e.slot_address(op.d), to);
        return end_access(op_class, op, false, slow_jump);
    }
    const Xbyak::Reg64 to = e.target(op.d, e.rax);
    const bool is_signed = op_class.extension == ir::Extension::Sign;
    switch (op_class.width) {
    case 1: is_signed ? e.movsx(to, e.byte[from]) : e.movzx(to.cvt32(), e.byte[from]); break;
    case 2: is_signed ? e.movsx(to, e.word[from]) : e.movzx(to.cvt32(), e.word[from]); break;
    case 4: is_signed ? e.movsxd(to, e.dword[from]) : e.mov(to.cvt32(), e.dword[from]); break;
    default: e.mov(to, e.ptr[from]); break;
    }
    e.finish(op.d, to);
    end_access(op_class, op, false, slow_jump);
}

void BaselineCompiler::emit_store(const OpClass& op_class, const Op& op) {
    Emitter& e = emit_;
    std::size_t slow_jump = 0;
    const Xbyak::RegExp to = begin_access(op_class, op, true, slow_jump);
    if (const int found = floats_.find(op.d); found >= 0) {
        op_class.width == 8 ? e.movq(e.qword[to], Xbyak::Xmm(found)) : e.movd(e.dword[to], Xbyak::Xmm(found));
        return end_access(op_class, op, true, slow_jump);
    }
    const Xbyak::Reg64 value = e.in_register(op.d, e.rdx);
    switch (op_class.width) {
    case 1: e.mov(e.byte[to], value.cvt8()); break;
    case 2: e.mov(e.word[to], value.cvt16()); break;
    case 4: e.mov(e.dword[to], value.cvt32()); break;
    default: e.mov(e.ptr[to], value); break;
    }
    end_access(op_class, op, true, slow_jump);
}

} // namespace ashlar::jit::x86_64
