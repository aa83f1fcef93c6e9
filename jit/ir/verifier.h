// Checks that a block of IR is well-formed. Run on every block in tests and in debug builds of the engine.
#pragma once

#include <string_view>

#include "jit/ir/block.h"

namespace ashlar::jit::ir {

struct Verdict {
    // Empty when the block is well-formed; else what is wrong with the instruction at `instruction`.
    std::string_view message;
    std::size_t instruction = 0;

    bool ok() const { return message.empty(); }
};

// The rules: operands are earlier results of the type that the operation's signature asks for; slots exist
// and have the type of their register file; attributes, widths and rounding modes are in range; guest offsets
// never go back and lie within the block; exactly the last instruction is a terminator; the value of an
// access to memory that is set goes to its slot in the very next instruction (what leaves the block after the
// access expects the guest's instruction to be complete).
Verdict verify(const Block& block);

} // namespace ashlar::jit::ir
