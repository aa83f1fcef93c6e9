// Internal to the region emitter: operands that are a register or memory.
#pragma once

#include "jit/backend/x86_64/region_emitter.h"

namespace ashlar::jit::x86_64 {

// `narrow`: the operand's low half.
template <class Use>
void RegionEmitter::with_operand(NodeId id, const Reg64& scratch, bool narrow, Use use) {
    const Location from = location(id);
    if (from.kind == Location::Kind::Slot)
        return narrow ? use(static_cast<const Xbyak::Operand&>(e.slot_address32(from.index)))
                      : use(static_cast<const Xbyak::Operand&>(slot(from.index)));
    if (from.kind == Location::Kind::Recompute && !narrow && is_start(id))
        return use(static_cast<const Xbyak::Operand&>(slot(ir::kPcSlot)));
    const Reg64 reg = in_register(id, scratch);
    if (narrow)
        use(static_cast<const Xbyak::Operand&>(Xbyak::Reg32(reg.getIdx())));
    else
        use(static_cast<const Xbyak::Operand&>(reg));
}

} // namespace ashlar::jit::x86_64
