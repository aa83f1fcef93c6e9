// Words of the guest's state that are no values of a region, where they are.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/region_operands.h"

namespace ashlar::jit::x86_64 {

void RegionEmitter::emit_get(NodeId id) {
    const Reg64 to = target(id, e.rax);
    e.mov(to, slot(static_cast<std::uint8_t>(graph_->at(id).immediate)));
    finish(id, to);
}

void RegionEmitter::emit_set(const Node& set) {
    const auto to = slot(static_cast<std::uint8_t>(set.immediate));
    std::int32_t constant = 0;
    if (immediate(set.operands[0], constant))
        return e.mov(to, static_cast<std::uint64_t>(std::int64_t{constant}));
    e.mov(to, in_register(set.operands[0], e.rax));
}

void RegionEmitter::emit_leave_if(NodeId id) {
    const Node& node = graph_->at(id);
    const Location at = location(node.operands[0]);
    if (at.kind == Location::Kind::Slot) {
        e.cmp(slot(at.index), 0);
    } else {
        const Reg64 value = in_register(node.operands[0], e.rax);
        e.test(value, value);
    }
    exit_from_jump(e.jump_if_later(node.negated ? kEqual : kNotEqual), exit_before(node));
}

} // namespace ashlar::jit::x86_64
