// What tier 1 tells an observer and statistics.
#include <algorithm>

#include "jit/backend/x86_64/compiler.h"

namespace ashlar::jit::x86_64 {

// Retired instructions are retired_at_zero - budget, whatever changes the budget.
void BaselineCompiler::emit_count_entry() {
    emit_.mov(emit_.rax, emit_.context_field(offsetof(Context, retired_at_zero)));
    emit_.sub(emit_.rax, emit_.context_field(offsetof(Context, budget)));
    emit_.sub(emit_.context_field(offsetof(Context, retired_in_host_code)), emit_.rax);
}

void BaselineCompiler::emit_count_exit() {
    emit_.mov(emit_.rax, emit_.context_field(offsetof(Context, retired_at_zero)));
    emit_.sub(emit_.rax, emit_.context_field(offsetof(Context, budget)));
    emit_.add(emit_.context_field(offsetof(Context, retired_in_host_code)), emit_.rax);
}

void BaselineCompiler::mark(const Op* op) {
    if (block_->marks == nullptr)
        return;
    const std::size_t offset = emit_.position() - body_;
    if (op != nullptr)
        block_->marks->guest(offset, 0,
                             block_->guest_offsets[static_cast<std::size_t>(op - block_->code.data())]);
    else
        block_->marks->no_guest(offset);
}

void BaselineCompiler::mark_data(std::size_t size) {
    if (block_->marks != nullptr)
        block_->marks->data(emit_.position() - body_, size);
}

void BaselineCompiler::report_shared_code(CodeObserver& observer) const {
    EmittedCode emitted{};
    emitted.name = "ways in and out";
    emitted.tier = 1;
    emitted.code = {executable(0), places_->shared_bytes()};
    const auto at = [](std::size_t position) { return static_cast<std::uint32_t>(position); };
    const CodeMark marks[] = {{at(enter_position_), CodeMark::kNoGuest, 0}};
    const RegionThunks& regions = regions_->thunks();
    CodeLabel labels[] = {{at(enter_position_), "enter"},
                          {at(second_level_read_), "second level, read"},
                          {at(second_level_write_), "second level, write"},
                          {at(access_positions_[0]), "load"},
                          {at(access_positions_[1]), "store"},
                          {at(call_position_), "call handler"},
                          {at(exit_budget_), "exit: budget"},
                          {at(exit_edge_), "exit: edge not linked"},
                          {at(exit_lookup_), "exit: lookup"},
                          {at(interpret_), "interpret jump cache's"},
                          {at(interpret_op_), "interpret"},
                          {at(through_cache_), "through jump cache"},
                          {at(promote_), "exit: promote"},
                          {at(regions.exit_region), "exit: region"},
                          {at(regions.exit_surprise), "exit: surprise"},
                          {at(regions.probe), "probe"},
                          {at(regions.probe_with_float), "probe, saving floats"},
                          {at(regions.canonicalizers[0]), "make a NaN canonical"}};
    std::sort(std::begin(labels), std::end(labels),
              [](const CodeLabel& a, const CodeLabel& b) { return a.host_offset < b.host_offset; });
    emitted.marks = marks;
    emitted.labels = labels;
    observer.code_emitted(emitted);
}

} // namespace ashlar::jit::x86_64
