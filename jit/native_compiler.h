// The seam between the engine and the tiers that emit host code.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "jit/code_marks.h"
#include "jit/interpreter/op.h"
#include "jit/optimizer/source.h"
#include "jit/region_exits.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/result.h"

namespace ashlar::jit {

// Memory for host code under two addresses: no page is writable and executable through one of them. The code
// refers to itself by relative distances only, so the two may lie anywhere. Owned by the program.
struct CodeMemory {
    MutableBytes writable;
    const std::byte* executable = nullptr;
};

// Each has its own part of the code memory.
enum class CodePart : std::uint8_t { Blocks, Regions };
constexpr std::size_t kCodeParts = 2;

struct CodeRoom {
    std::size_t used = 0, capacity = 0; // bytes
};

// Host code before it is copied to its place. In everything that `outward` has the offset of lies the
// distance, of 32 bits, to something that has its place, as if this code began at Encoder::kUnplaced.
struct UnplacedCode {
    Bytes bytes;
    std::span<const std::uint32_t> outward;
};

// Since the beginning.
struct NativeStatistics {
    std::uint64_t blocks = 0, guest_instructions = 0, bytes = 0, links = 0;
    std::uint64_t regions = 0, region_instructions = 0, region_bytes = 0; // that were installed
};

// What the compiler must know of a block beside its threaded code.
struct NativeBlock {
    std::span<interpreter::Op> code; // begins with the op that counted; it becomes the way into host code
    std::uint32_t page_offset;       // of the block's first instruction in its page
    std::uint32_t guest_instructions;
    bool own_page; // all of it lies in one page, so that jumps within the page need no check
    std::uint32_t optimize_after = 0; // executions until Exit::Kind::Promote says that it is hot; 0: never
    // For an observer, or nullptr: takes marks, for which the ops say which guest instructions they are of.
    CodeMarks* marks = nullptr;
    std::span<const std::uint16_t> guest_offsets{};
};

// What the optimizing tier is given: a region whose first block is compiled already.
struct NativeRegion {
    const optimizer::RegionSource& source;
    const interpreter::Op* root;  // of the block that the region begins with
    const void* root_entry;       // its host code, see NativeCompiler::entry
    std::uint32_t page_offset;    // of its first instruction
    bool one_page;                // all of the region's guest code lies in one page
    std::uint64_t pc, generation; // at and under which its pages are where they are, if there are several
    std::uint64_t identity;       // what Exit::Kind::Region then reports
    unsigned passes = ~0u;        // optimizer::Pass
    bool verify = false;          // EngineOptions::verify_ir
    CodeMarks* marks = nullptr;   // for an observer: takes marks, whose parts are the source's blocks
    RegionExits* exits = nullptr; // for statistics: where the region counts how it is left
};
struct RegionCode {
    UnplacedCode code{};                 // empty: the region was refused
    std::uint32_t generation_offset = 0; // in the code, see set_generation; 0: in one page
    std::uint32_t guest_instructions = 0;
    // For observers: OptimizedRegion's.
    optimizer::Graph* graph = nullptr;
    const optimizer::Allocation* allocation = nullptr;
    const optimizer::RegisterFile* registers = nullptr;
    std::string_view refusal{};
};

// Compiles the threaded code of hot blocks. All of its host code keeps the interpreter's contract: entered
// through an op's handler, it leaves by returning nullptr with Context::exit set and the guest's state in its
// slots. Used by one thread, but for optimize(). While it changes code none may be running.
class NativeCompiler {
public:
    virtual ~NativeCompiler() = default;

    // The host code at its executable address; empty when there is no room.
    virtual Bytes compile(const NativeBlock& block) = 0;
    // Frees the host code of a block.
    virtual void free_block(const interpreter::Op* code) = 0;
    // What it returns refers to memory of the compiler's, until the next call. May be another thread's, one
    // call at a time.
    virtual RegionCode optimize(const NativeRegion& region) = 0;
    // A copy of the region's code; empty when there is no room. Nothing runs it yet.
    virtual Bytes place_region(const RegionCode& region) = 0;
    virtual void free_region(const std::byte* code) = 0;
    virtual CodeRoom room(CodePart part) const = 0;
    // From now on the compiled block at the region's root runs the region.
    virtual void enter_region(const interpreter::Op* root, const std::byte* code) = 0;
    // The pc and the generation under which the region is entered from now on.
    virtual void set_generation(const void* site, std::uint64_t pc, std::uint64_t generation) = 0;
    // The compiled block runs its own code, and does not count its executions.
    virtual void run_plainly(const interpreter::Op* root) = 0;
    // The compiled block runs its own code, and asks to be optimized once more after so many executions.
    virtual void count_anew(const interpreter::Op* root, std::uint32_t executions) = 0;
    // How often a block has run since it was compiled, at most optimize_after. 0 if it is not.
    virtual std::uint32_t executions(const interpreter::Op* code) const = 0;
    // How often a compiled block is to run until it asks, if it counts.
    virtual std::uint32_t executions_left(const interpreter::Op* code) const = 0;
    // Where host code goes that found `code` in the jump cache.
    virtual const void* entry(const interpreter::Op* code) const = 0;
    // An edge that left with Exit::native_edge: from now on it goes to `target`, which is compiled, if that
    // is at `target_pc` and the context's generation is `generation`; within a page, whenever its block is
    // entered.
    virtual void link(const void* native_edge, const interpreter::Op* target, std::uint64_t target_pc,
                      std::uint64_t generation) = 0;
    // From now on the edge looks in the jump cache.
    virtual void link_through_jump_cache(const void* native_edge) = 0;
    // Forgets all host code.
    virtual void flush() = 0;
    virtual bool is_compiled(const interpreter::Op* code) const = 0;
    virtual NativeStatistics statistics() const = 0;
    // The code that blocks share.
    virtual void report_shared_code(CodeObserver& observer) const = 0;
};

// The compiler for the host's instruction set. InvalidArgument when the memory is too small, OutOfMemory.
// `shared_memory` as in EngineOptions.
Result<std::unique_ptr<NativeCompiler>> create_native_compiler(const CodeMemory& memory, bool shared_memory);

} // namespace ashlar::jit
