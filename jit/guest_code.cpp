#include "jit/guest_code.h"

#include "jit/frontend/riscv64/lifter.h"

namespace ashlar::jit {

void lift(GuestMemory& memory, const BlockKey& key, ir::Block& block) {
    const GuestBytes code(memory, key);
    block.clear();
    riscv64::lift_block(code.get(), key.single || key.straddles() ? 1 : riscv64::kMaxBlockInstructions,
                        block);
}

} // namespace ashlar::jit
