#include "jit/fp_host.h"
#include "jit/interpreter/op.h"

namespace ashlar::jit::interpreter {

void execute(Context& context, const Op* code) {
    fp::start_accruing(context.slots[ir::kRoundingSlot]);
    const Op* op = code;
    while (op != nullptr)
        op = op->handler(context, op);
    fp::accrue(context.slots[ir::kFloatFlagsSlot]);
}

} // namespace ashlar::jit::interpreter
