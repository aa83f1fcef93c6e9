// RV64 instructions to IR. Knows neither the host nor the state of a hart: a block holds for every mapping
// and privilege.
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/instruction.h"
#include "jit/ir/block.h"
#include "lib/bytes.h"

namespace ashlar::jit::riscv64 {

constexpr unsigned kMaxBlockInstructions = 64;
// Room in an ir::Block for any block of at most kMaxBlockInstructions.
constexpr std::size_t kBlockCapacity = 1024;

// Lifts from the start of `code`, the bytes from the block's first instruction to the end of what may be read
// (at most a page): up to `max_instructions`, a jump or branch, or an instruction that does not fit in `code`
// any more. When not even the first fits, the block stays empty. The caller clears `block`.
void lift_block(Bytes code, unsigned max_instructions, ir::Block& block);

} // namespace ashlar::jit::riscv64
