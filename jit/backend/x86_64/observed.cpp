// What tier 1 tells an observer.
#include "jit/backend/x86_64/compiler.h"

namespace ashlar::jit::x86_64 {

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
    emitted.code = {executable(0), start_of_blocks_};
    observer.code_emitted(emitted);
}

} // namespace ashlar::jit::x86_64
