// Handlers by operation, for the lowering. Each file of the interpreter answers for its class.
#pragma once

#include "jit/interpreter/op.h"
#include "jit/ir/block.h"

namespace ashlar::jit::interpreter {

// d = a OP b, and d = a OP imm.
Handler binary_handler(ir::Opcode opcode);
Handler binary_immediate_handler(ir::Opcode opcode);
Handler unary_handler(ir::Opcode opcode); // d = OP a
Handler copy_handler();                   // d = a
Handler load_immediate_handler();         // d = imm
Handler load_wide_handler();              // d = WideConstant
Handler pc_relative_handler();            // d = pc + imm

// d = memory[a + imm]; memory[a + imm] = d. The site is in b and c.
Handler load_handler(unsigned width, ir::Extension extension);
Handler store_handler(unsigned width);
// Site in imm; d = result, a = address, b = value.
Handler load_reserved_handler(unsigned width);
Handler store_conditional_handler(unsigned width);
Handler atomic_handler(ir::AtomicOperation operation, unsigned width);
Handler fence_handler();

// Site in imm's low half, the rounding mode in bits 16..23; d = result; a, b, c operands.
Handler float_handler(const ir::Instruction& instruction);

// c = instructions of the block. Jump: imm = offset, Links follow. Branch: a, b compared, imm = taken offset,
// d = not-taken offset in halfwords, Links follow. JumpIndirect: to (a + imm) without bit 0.
Handler jump_handler();
Handler branch_handler(ir::Condition condition);
Handler jump_indirect_handler();
// Leave to have the target looked up, and the link patched: imm = offset of the target. They lie behind the
// Links, first the op for taken, then the one for not taken.
Handler link_taken_handler();
Handler link_not_taken_handler();
// A target for links that must be looked up every time, by way of the jump cache.
const Op* through_jump_cache();

// Site in b and c, a = helper, d = offset of the next instruction in halfwords, imm = argument.
Handler guard_handler();
Handler call_handler();
// The same if slot d is not 0, or if it is.
Handler call_if_handler();
Handler call_unless_handler();
Handler call_exit_handler();
// Site in b and c, a = value, imm = cause.
Handler raise_handler();
// Begins a block that may be compiled: leaves with Exit::Kind::Promote when imm has been counted down to 0.
Handler count_handler();
inline void count_to(Op& op, unsigned executions) {
    op = {count_handler()};
    op.imm = static_cast<std::int32_t>(executions);
}

} // namespace ashlar::jit::interpreter
