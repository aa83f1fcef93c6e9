// What the engine does for an observer of its translations. Exists only when there is one.
#pragma once

#include "jit/code_marks.h"
#include "jit/guest_code.h"
#include "jit/interpreter/lower.h"
#include "jit/native_compiler.h"
#include "jit/region_former.h"

namespace ashlar::jit {

class Observation {
public:
    static Result<std::unique_ptr<Observation>> create(CodeObserver& observer, GuestMemory& memory);

    CodeObserver& observer() { return observer_; }
    // The block's IR, executed at `pc`.
    void lifted(const BlockKey& key, std::uint64_t pc, const ir::Block& ir);
    // Has the compiler mark the code that it is about to emit for `block`.
    void ask_for_marks(Block& block, NativeBlock& native);
    // What tier 1 has emitted for the block.
    void compiled(const Block& block, std::uint64_t pc, Bytes code);
    // Where tier 2 is to put marks.
    CodeMarks& marks() { return marks_; }
    // What tier 2 has made of a region that begins at `pc`, and where that is, if it stays.
    void optimized(const RegionFormer& region, std::uint64_t pc, const RegionCode& made, Bytes code);

private:
    Observation(CodeObserver& observer, GuestMemory& memory, ir::Block ir, interpreter::Lowering lowering,
                CodeMarks marks)
        : observer_(observer),
          memory_(memory),
          ir_(std::move(ir)),
          lowering_(std::move(lowering)),
          marks_(std::move(marks)) {}

    CodeObserver& observer_;
    GuestMemory& memory_;
    ir::Block ir_;
    interpreter::Lowering lowering_;
    CodeMarks marks_;
    std::unique_ptr<interpreter::Op[]> ops_;
    std::unique_ptr<std::uint16_t[]> guest_offsets_; // of the ops
};

} // namespace ashlar::jit
