// Text of IR blocks, for tests and for looking at what the frontend lifts.
#pragma once

#include "jit/ir/block.h"
#include "lib/format.h"

namespace ashlar::jit::ir {

// One instruction per line, "%3 = add %1, %2", as docs/ir.md describes.
void print(const Block& block, Sink& sink);
// One instruction without its line's end. `value` is the name of its result.
void print(const Instruction& instruction, Value value, Sink& sink);

} // namespace ashlar::jit::ir
