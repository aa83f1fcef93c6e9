// Probes, loads and stores of a region.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/region_operands.h"

namespace ashlar::jit::x86_64 {

using optimizer::Kind;

// Looks for the page of `address` + probe.low, or of `address` itself when all that is accessed lies a little
// behind it. Then rdx is the entry's index, and "above" that the entry is another page's, or that the range
// does not end in it.
void RegionEmitter::emit_lookup(NodeId address, const Node& probe) {
    constexpr std::int32_t kNear = 128;
    const bool of_base = !probe.fused && location(address).kind == Location::Kind::Register &&
                         probe.low >= 0 && probe.high <= kNear;
    const Reg64 page = of_base ? Reg64(location(address).index) : e.rax;
    if (probe.fused)
        load_fused_address(probe);
    else if (!of_base)
        load_address(address, probe.low);
    e.tlb_index(e.edx, page.cvt32());
    const Xbyak::Address tag = e.tlb_tag(e.rdx, probe.writes);
    if (of_base) {
        e.mov(e.rax, tag);
        e.xor_(e.rax, page);
    } else {
        e.xor_(e.rax, tag);
    }
    const std::int32_t length = of_base ? probe.high : probe.high - probe.low;
    e.cmp(e.rax, static_cast<std::uint32_t>(static_cast<std::int32_t>(kPageSize) - length));
}

void RegionEmitter::load_fused_address(const Node& probe) {
    const NodeId base = probe.operands[0], index = probe.operands[1];
    if (index == optimizer::kNoNode)
        return load_address(base, probe.low);
    const Reg64 from = in_register(base, e.rax);
    const Reg64 by = in_register(index, e.rdx);
    e.lea(e.rax, e.ptr[from + by * (1 << probe.scale) + probe.low]);
}

void RegionEmitter::load_address(NodeId address, std::int32_t offset) {
    const Reg64 base = in_register(address, e.rax);
    if (offset != 0)
        e.lea(e.rax, e.ptr[base + offset]);
    else if (base.getIdx() != e.rax.getIdx())
        e.mov(e.rax, base);
}

void RegionEmitter::emit_probe(NodeId id) {
    const Node& probe = graph_->at(id);
    emit_lookup(probe.operands[0], probe);
    const std::size_t miss = e.jump_if_later(kAbove);
    const Reg64 addend = target(id, e.rdx);
    e.mov(addend, e.tlb_addend(e.rdx));
    add_base(probe, addend);
    finish(id, addend);
    cold_.push({miss, e.position(), id});
}

// What a fused probe yields beyond the addend.
void RegionEmitter::add_base(const Node& probe, const Reg64& addend) {
    std::int32_t constant = 0;
    if (!probe.fused)
        return;
    if (immediate(probe.operands[0], constant))
        e.add(addend, static_cast<std::uint32_t>(constant));
    else
        with_operand(probe.operands[0], e.rax, false,
                     [&](const Xbyak::Operand& base) { e.add(addend, base); });
}

void RegionEmitter::emit_stream_probe(NodeId id) {
    const Node& probe = graph_->at(id);
    const auto end = static_cast<std::uint8_t>(kFirstStreamSlot + 2 * probe.stream);
    const Reg64 address = in_register(probe.operands[0], e.rax);
    e.cmp(address, slot(end));
    const std::size_t miss = e.jump_if_later(kAboveOrEqual);
    const Reg64 addend = target(id, e.rdx);
    e.mov(addend, slot(static_cast<std::uint8_t>(end + 1)));
    finish(id, addend);
    cold_.push({miss, e.position(), id});
}

// Where the page of the loop's first access ends, as the address that the loop compares must stay below it.
// Nothing is known (an end of 0) when the TLB has no such page, or when it is the last of the address space,
// behind which addresses start again at 0.
void RegionEmitter::emit_stream_start(NodeId id) {
    const Node& start = graph_->at(id);
    const Node& probe = graph_->at(graph_->stream_probes[start.stream]);
    const auto end = static_cast<std::uint8_t>(kFirstStreamSlot + 2 * start.stream);
    emit_lookup(start.operands[0], probe);
    const std::size_t miss = e.jump_if_later(kAbove);
    e.mov(e.rdx, e.tlb_addend(e.rdx));
    e.mov(slot(static_cast<std::uint8_t>(end + 1)), e.rdx);
    load_address(start.operands[0], probe.low);
    e.or_(e.rax, static_cast<std::uint32_t>(kPageSize - 1));
    e.inc(e.rax);
    const std::size_t last_page = e.jump_if_later(kEqual);
    e.sub(e.rax, static_cast<std::uint32_t>(probe.high - 1));
    e.mov(slot(end), e.rax);
    cold_.push({miss, e.position(), id});
    cold_.push({last_page, e.position(), id});
}

void RegionEmitter::emit_probe_miss(const Cold& cold) {
    const Node& node = graph_->at(cold.node);
    mark(node.block, node.pc);
    e.bind(cold.jump);
    if (node.kind == Kind::StreamStart) {
        e.mov(slot(static_cast<std::uint8_t>(kFirstStreamSlot + 2 * node.stream)), 0);
        return e.jump_to(cold.resume);
    }
    node.fused ? load_fused_address(node) : load_address(node.operands[0], node.low);
    e.call_to(graph_->uses_float ? thunks_.probe_with_float : thunks_.probe);
    ProbeRequest request{};
    request.length = static_cast<std::uint16_t>(node.high - node.low);
    request.writes = node.writes;
    request.speculative = node.speculative;
    request.speculative_write = node.speculative_write;
    request.low = node.low;
    if (node.kind == Kind::StreamProbe)
        request.stream_slot = static_cast<std::uint8_t>(kFirstStreamSlot + 2 * node.stream);
    environment_.marks.data(e.position(), sizeof request);
    e.db(reinterpret_cast<const std::uint8_t*>(&request), sizeof request);
    exit_from_jump(e.jump_if_later(kBelow), exit_before(node));
    add_base(node, e.rdx);
    finish(cold.node, e.rdx);
    e.jump_to(cold.resume);
}

// The base may be in rax and the addend in rdx.
Xbyak::RegExp RegionEmitter::address(const Node& node, NodeId probe) {
    const Reg64 addend = in_register(probe, e.rdx);
    if (node.fused) {
        if (node.operands[0] == optimizer::kNoNode)
            return addend + node.displacement;
        return addend + in_register(node.operands[0], e.rax) * (1 << node.scale) + node.displacement;
    }
    const Reg64 base = in_register(node.operands[0], e.rax);
    return base + addend + node.displacement;
}

void RegionEmitter::emit_load(NodeId id) {
    const Node& node = graph_->at(id);
    const Xbyak::RegExp from = address(node, node.operands[1]);
    if (node.type == ir::Type::Float) {
        const Xmm to = float_target(id, e.xmm15);
        if (node.width == 8) {
            e.movsd(to, e.ptr[from]);
        } else if (node.unboxed) {
            e.movss(to, e.ptr[from]);
        } else { // boxed: the upper half all ones
            e.pcmpeqd(e.xmm14, e.xmm14);
            e.movss(to, e.ptr[from]);
            e.unpcklps(to, e.xmm14);
        }
        return finish_float(id, to);
    }
    const Reg64 to = target(id, e.rax);
    const bool is_signed = node.attribute == static_cast<std::uint8_t>(ir::Extension::Sign);
    const bool narrow = is_narrow(id);
    switch (node.width) {
    case 1:
        !is_signed ? e.movzx(to.cvt32(), e.byte[from])
        : narrow   ? e.movsx(to.cvt32(), e.byte[from])
                   : e.movsx(to, e.byte[from]);
        break;
    case 2:
        !is_signed ? e.movzx(to.cvt32(), e.word[from])
        : narrow   ? e.movsx(to.cvt32(), e.word[from])
                   : e.movsx(to, e.word[from]);
        break;
    case 4: is_signed && !narrow ? e.movsxd(to, e.dword[from]) : e.mov(to.cvt32(), e.dword[from]); break;
    default: e.mov(to, e.ptr[from]);
    }
    finish(id, to);
}

void RegionEmitter::emit_store(NodeId id) {
    const Node& node = graph_->at(id);
    const NodeId value = node.operands[1];
    Xbyak::RegExp to = address(node, node.operands[2]);
    if (graph_->at(value).type == ir::Type::Float) {
        const Xmm from = in_float(value, e.xmm15);
        return node.width == 8 ? e.movsd(e.ptr[to], from) : e.movss(e.ptr[to], from);
    }
    std::int32_t constant = 0;
    if (immediate(value, constant)) {
        const auto bits = static_cast<std::uint32_t>(constant);
        switch (node.width) {
        case 1: return e.mov(e.byte[to], bits & 0xff);
        case 2: return e.mov(e.word[to], bits & 0xffff);
        case 4: return e.mov(e.dword[to], bits);
        default: return e.mov(e.qword[to], static_cast<std::uint64_t>(std::int64_t{constant}));
        }
    }
    // All three may be in memory, and there are two scratch registers.
    if (location(value).kind != Location::Kind::Register) {
        if ((node.operands[0] != optimizer::kNoNode && lives_in_memory(node.operands[0])) ||
            lives_in_memory(node.operands[2])) {
            e.lea(e.rax, e.ptr[to]);
            to = Xbyak::RegExp(e.rax);
        }
        load(e.rdx, value);
    }
    const Reg64 from =
        location(value).kind == Location::Kind::Register ? Reg64(location(value).index) : e.rdx;
    switch (node.width) {
    case 1: return e.mov(e.byte[to], from.cvt8());
    case 2: return e.mov(e.word[to], from.cvt16());
    case 4: return e.mov(e.dword[to], from.cvt32());
    default: return e.mov(e.ptr[to], from);
    }
}

} // namespace ashlar::jit::x86_64
