#include "jit/hosted/trace.h"

#include <algorithm>

namespace ashlar::jit::hosted {

void ExecutionTrace::executed(const Execution& execution) {
    const std::uint64_t pc = execution.virtual_address.value();
    const bool wanted =
        std::any_of(execution.parts.begin(), execution.parts.end(), [&](const ExecutedPart& part) {
            return filter_.covers(pc + static_cast<std::uint64_t>(part.offset), part.bytes);
        });
    if (!wanted)
        return;
    constexpr char kPrivileges[] = {'U', 'S', '-', 'M'};
    format(sink_, "hart {} {} tier {} {:2} instructions ", execution.hart,
           kPrivileges[static_cast<std::size_t>(execution.privilege) & 3], execution.tier,
           execution.instructions);
    print_place(symbols_, pc, sink_);
    sink_.write("\n");
}

} // namespace ashlar::jit::hosted
