// Leaving the interpreter from the middle of a block, with the pc and the count of instructions exact.
#include "jit/interpreter/handler.h"
#include "jit/mmu/mmu.h"

namespace ashlar::jit::interpreter {

const Op* leave_with_exception(Context& context, Site site, std::uint64_t cause, std::uint64_t value) {
    context.slots[ir::kPcSlot] += site.offset();
    context.budget -= site.index();
    context.exit = {Exit::Kind::Exception, cause, value};
    return nullptr;
}

const Op* leave_with_illegal(Context& context, Site site) {
    leave_with_exception(context, site, 0, 0);
    context.exit.kind = Exit::Kind::Illegal;
    return nullptr;
}

const Op* leave_with_fault(Context& context, Site site) {
    const mmu::Fault& fault = context.mmu->fault();
    return leave_with_exception(context, site, fault.cause, fault.address);
}

const Op* leave_after(Context& context, Site site) {
    context.slots[ir::kPcSlot] += site.offset() + site.length();
    context.budget -= site.index() + 1;
    context.exit = {Exit::Kind::CodeChanged};
    return nullptr;
}

} // namespace ashlar::jit::interpreter
