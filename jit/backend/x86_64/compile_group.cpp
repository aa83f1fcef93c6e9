// Probes that several accesses share. A function's frame, or the members of a structure, are mostly in one
// page: one look in the TLB is for all of them. Where it fails, the ops are carried out one by one.
#include <algorithm>

#include "jit/backend/x86_64/compiler.h"
#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit::x86_64 {

namespace {

// How many bytes a probe is for. What lies further apart is more often not in one page.
constexpr std::int32_t kMostBytes = 256;

bool is_access(const OpClass& op_class) {
    return op_class.shape == Shape::Load || op_class.shape == Shape::Store;
}

// Whether the code for it leaves rcx alone, and is all that it does.
bool may_lie_between(const Emitter& emitter, const OpClass& op_class) {
    switch (op_class.shape) {
    case Shape::Copy:
    case Shape::LoadImmediate:
    case Shape::PcRelative: return true;
    case Shape::BinaryImmediate: return emitter.handles_binary_immediate(op_class.opcode);
    case Shape::Binary:
        switch (op_class.opcode) {
        case ir::Opcode::Add:
        case ir::Opcode::Subtract:
        case ir::Opcode::And:
        case ir::Opcode::Or:
        case ir::Opcode::Xor:
        case ir::Opcode::AddWord:
        case ir::Opcode::SubtractWord: return true;
        default: return false;
        }
    default: return false;
    }
}

} // namespace

BaselineCompiler::Group BaselineCompiler::find_group(const NativeBlock& block, std::size_t first) const {
    const unsigned base = block.code[first].a;
    Group group;
    group.first = &block.code[first];
    group.low = block.code[first].imm;
    group.high = group.low;
    std::size_t members = 0;
    for (std::size_t i = first; i < block.code.size(); ++i) {
        const Op& op = block.code[i];
        const OpClass op_class = classifier_.classify(op.handler);
        if (is_access(op_class) && op.a == base) {
            const std::int32_t low = std::min(group.low, op.imm);
            const std::int32_t high = std::max(group.high, op.imm + op_class.width);
            if (std::int64_t{high} - low > kMostBytes)
                break;
            group.low = low;
            group.high = high;
            group.writes = group.writes || op_class.shape == Shape::Store;
            group.end = i + 1;
            ++members;
        } else if (!may_lie_between(emit_, op_class)) {
            break;
        }
        if (op_class.shape != Shape::Store && op.d == base)
            break;
    }
    if (members < 2)
        group.end = 0;
    return group;
}

void BaselineCompiler::begin_group(const NativeBlock& block, std::size_t first) {
    if (group_.end != 0)
        return;
    group_ = find_group(block, first);
    if (group_.end == 0)
        return;
    Emitter& e = emit_;
    const Op& op = block.code[first];
    if (Emitter::is_pinned(op.a)) {
        const Xbyak::Reg64 base(Emitter::host_of(op.a));
        group_.low == 0 ? e.mov(e.rcx, base) : e.lea(e.rcx, e.ptr[base + group_.low]);
    } else {
        e.mov(e.rcx, e.slot_address(op.a));
        if (group_.low != 0)
            e.add(e.rcx, static_cast<std::uint32_t>(group_.low));
    }
    e.tlb_index(e.eax, e.ecx);
    e.mov(e.rdx, e.tlb_tag(e.rax, group_.writes));
    e.xor_(e.rdx, e.rcx);
    e.cmp(e.rdx,
          static_cast<std::uint32_t>(kPageSize) - static_cast<std::uint32_t>(group_.high - group_.low));
    group_.jump = e.jump_if_later(kAbove);
    e.add(e.rcx, e.tlb_addend(e.rax));
    group_.access = e.position();
}

void BaselineCompiler::end_group(const NativeBlock& block) {
    add_slow_path(group_.jump, group_.first);
    SlowPath& slow = slow_paths_[slow_path_count_ - 1];
    slow.end = &block.code[group_.end];
    slow.access = group_.access;
    slow.width = static_cast<std::uint16_t>(group_.high - group_.low);
    slow.writes = group_.writes;
    group_ = {};
}

// Looks into the TLB's second level for a group, whose first byte's address is in rcx, and goes on with its
// accesses. Else falls through: all of them are to be carried out by their handlers.
void BaselineCompiler::emit_group_look_up(const SlowPath& slow) {
    Emitter& e = emit_;
    e.mov(e.rax, e.rcx);
    e.lea(e.rdx, e.ptr[e.rax + (slow.width - 1)]);
    e.xor_(e.rdx, e.rax);
    e.cmp(e.rdx, static_cast<std::uint32_t>(kPageSize));
    const std::size_t two_pages = e.jump_if_later(kAboveOrEqual);
    e.call_to(slow.writes ? second_level_write_ : second_level_read_);
    const std::size_t missed = e.jump_if_later(kBelow);
    e.lea(e.rcx, e.ptr[e.rax + e.rdx]);
    e.jump_to(slow.access);
    e.bind(two_pages);
    e.bind(missed);
}

} // namespace ashlar::jit::x86_64
