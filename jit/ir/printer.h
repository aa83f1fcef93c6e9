// Text of IR blocks, for tests and for looking at what the frontend lifts.
#pragma once

#include "jit/ir/block.h"
#include "lib/format.h"

namespace ashlar::jit::ir {

// One instruction per line, "%3 = add %1, %2", as docs/ir.md describes.
void print(const Block& block, Sink& sink);
// One instruction without its line's end. `value` is the name of its result.
void print(const Instruction& instruction, Value value, Sink& sink);
// The operation alone, "load.64.sign".
void print_name(const Instruction& instruction, Sink& sink);
// "x5", "frm".
void print_slot(std::int64_t slot, Sink& sink);
std::string_view name_of(Condition condition);

} // namespace ashlar::jit::ir
