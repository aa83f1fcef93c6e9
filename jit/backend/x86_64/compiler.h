// Tier 1 on x86-64: compiles the threaded code of one block in one pass.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "jit/backend/x86_64/code_places.h"
#include "jit/backend/x86_64/emit_float.h"
#include "jit/backend/x86_64/float_cache.h"
#include "jit/backend/x86_64/region_compiler.h"
#include "jit/native_compiler.h"

namespace ashlar::jit::x86_64 {

class BaselineCompiler final : public NativeCompiler {
public:
    static Result<std::unique_ptr<NativeCompiler>> create(const CodeMemory& memory, bool shared_memory);

    Bytes compile(const NativeBlock& block) override;
    void free_block(const Op* code) override;
    RegionCode optimize(const NativeRegion& region) override;
    Bytes place_region(const RegionCode& region) override;
    void free_region(const std::byte* code) override;
    CodeRoom room(CodePart part) const override { return places_->room(part); }
    void enter_region(const Op* root, const std::byte* code) override;
    void set_generation(const void* site, std::uint64_t pc, std::uint64_t generation) override;
    void run_plainly(const Op* root) override;
    void count_anew(const Op* root, std::uint32_t executions) override;
    std::uint32_t executions(const Op* code) const override;
    std::uint32_t executions_left(const Op* code) const override;
    const void* entry(const Op* code) const override;
    void link(const void* native_edge, const Op* target, std::uint64_t target_pc,
              std::uint64_t generation) override;
    void link_through_jump_cache(const void* native_edge) override;
    void flush() override;
    bool is_compiled(const Op* code) const override { return code->handler == enter_; }
    NativeStatistics statistics() const override { return statistics_; }
    void report_shared_code(CodeObserver& observer) const override;

private:
    BaselineCompiler(const CodeMemory& memory, bool shared_memory, std::unique_ptr<Emitter> emitter,
                     std::unique_ptr<RegionCompiler> regions);

    // What is emitted behind the block: cold code that a jump in it leads to.
    struct SlowPath {
        std::size_t jump; // its rel32
        std::size_t resume;
        const Op* op;
        const Op* end; // behind the last op that is to be carried out
        bool is_guard;
        FloatCache::Contents floats; // reloaded before going on
        // Loads or stores that may go on with the host address, of one in rax, of a group in rcx: where, and
        // how many bytes from the address they are.
        std::size_t access = 0;
        std::uint16_t width = 0;
        bool writes = false;
    };
    // See emit_probe.
    struct Probe {
        Recorded code{};
        std::size_t slow_jump = 0;
    };
    // A way out of the block. `site` is the rel32 of the jump to patch; a cross-page edge has a guard before
    // it: pc and generation must be those it was linked for, told by one 64-bit immediate that is the two
    // combined (see interpreter::Context::generation), kGuardDistance bytes before the rel32. A second jump
    // is taken when it fails.
    struct Edge {
        std::size_t site;
        std::size_t guard_jump; // 0 without a guard
    };
    // An instruction has up to four, and a guard.
    static constexpr std::size_t kMaxSlowPaths = 320;
    static constexpr std::size_t kMaxEdges = 4;

    void emit_thunks();
    // Keep count of the instructions that host code retires, on the way in and out. Change rax.
    void emit_count_entry();
    void emit_count_exit();
    void emit_counter(const Op* code);
    void emit_leave_null();
    void emit_exit_thunk(interpreter::Exit::Kind kind);
    void emit_jump_to_interpreted();
    void emit_op(const Op& op, const NativeBlock& block);
    void emit_access_thunk(bool writes);
    void emit_call(const Op* op);
    void emit_access_call(const SlowPath& slow);
    void emit_group_look_up(const SlowPath& slow);
    void emit_load(const OpClass& op_class, const Op& op);
    void emit_store(const OpClass& op_class, const Op& op);
    void emit_address(const Op& op);
    // Accesses through one register that follow each other, at places whose addresses differ by constants:
    // they share a probe. See compile_group.cpp.
    struct Group {
        std::size_t end = 0; // index of the op behind it; none: 0
        std::int32_t low = 0, high = 0;
        bool writes = false;
        std::size_t jump = 0;   // of the probe, to where its ops are carried out one by one
        std::size_t access = 0; // behind the probe
        const Op* first = nullptr;
    };
    Group find_group(const NativeBlock& block, std::size_t first) const;
    void begin_group(const NativeBlock& block, std::size_t first);
    void end_group(const NativeBlock& block);
    // What the register that the access goes through holds, as far as the host's memory is concerned: the
    // place is at this distance from rax, or from rcx in a group.
    Xbyak::RegExp begin_access(const OpClass& op_class, const Op& op, bool writes, std::size_t& slow_jump);
    void end_access(const OpClass& op_class, const Op& op, bool writes, std::size_t slow_jump);
    // Probes the TLB for the address in rax; falls through with the host address in rax. Misses where the
    // alignment is not met.
    enum class Alignment { Any, Natural };
    void emit_probe(unsigned width, bool writes, Alignment alignment, std::size_t& slow_jump);
    void emit_atomic(const OpClass& op_class, const Op& op);
    void emit_load_reserved(const OpClass& op_class, const Op& op);
    void emit_store_conditional(const OpClass& op_class, const Op& op);
    std::size_t emit_atomic_address(const OpClass& op_class, const Op& op, bool writes);
    void emit_sign_extended_load(const Xbyak::Reg64& to, const Xbyak::Reg64& address, unsigned width);
    void emit_combination(ir::AtomicOperation operation, const Xbyak::Reg64& to, const Xbyak::Reg64& memory,
                          unsigned value_slot, unsigned width);
    void emit_fence();
    void record_probes();
    Probe record_probe(unsigned width, bool writes);
    std::size_t put_probe(const Probe& probe); // the slow jump
    void emit_float(const OpClass& op_class, const Op& op);
    bool emit_float_inline(const OpClass& op_class, const Op& op);
    void reload(const FloatCache::Contents& floats);
    void emit_guard(const Op& op);
    // Goes on in the threaded code if the interpreter must carry out floating point.
    void emit_leave_if_interpreted(const Op* next);
    Xbyak::Xmm float_operand(unsigned slot); // loaded if need be
    void emit_branch(const OpClass& op_class, const Op& op, const NativeBlock& block);
    void emit_jump_indirect(const Op& op);
    void charge(const Op& op);
    void advance(std::int32_t offset); // of the pc
    // Goes on at `offset` from the block's start; the pc is there already.
    void emit_edge(std::int32_t offset, const NativeBlock& block);
    void emit_cold_code();
    void add_slow_path(std::size_t jump, const Op* op);
    // For observers: what is emitted from here on is of this op, or of no guest instruction; data of a size.
    void mark(const Op* op);
    void mark_data(std::size_t size);
    const std::byte* executable(std::size_t position) const { return memory_.executable + position; }
    static std::size_t position_of(const Op* code) { return static_cast<std::uint32_t>(code->imm); }

    CodeMemory memory_;
    bool shared_memory_;
    std::unique_ptr<Emitter> emitter_;
    Emitter& emit_;
    std::optional<CodePlaces> places_;
    FloatEmitter float_;
    Classifier classifier_;
    Op resume_;
    interpreter::Handler enter_ = nullptr;
    std::size_t enter_position_ = 0, call_position_ = 0, exit_budget_ = 0, exit_edge_ = 0, exit_lookup_ = 0,
                interpret_ = 0, interpret_op_ = 0, through_cache_ = 0, promote_ = 0, second_level_read_ = 0,
                second_level_write_ = 0;
    std::array<std::size_t, 2> access_positions_{}, to_call_{}; // of loads, of stores
    std::unique_ptr<RegionCompiler> regions_;
    std::uint32_t optimize_after_ = 0;
    // What blocks consist of mostly.
    static constexpr unsigned kWidths = 4;
    std::array<Probe, kWidths> read_probes_{}, write_probes_{};
    Recorded jump_cache_probe_{};
    std::size_t counter_jump_ = 0;       // of the block being compiled, or 0
    const NativeBlock* block_ = nullptr; // being compiled
    std::size_t body_ = 0;               // where its code begins
    std::array<SlowPath, kMaxSlowPaths> slow_paths_{};
    std::size_t slow_path_count_ = 0;
    Group group_;
    std::size_t access_ = 0; // behind the last probe
    FloatCache floats_;
    std::array<Edge, kMaxEdges> edges_{};
    std::size_t edge_count_ = 0;
    NativeStatistics statistics_;
};

} // namespace ashlar::jit::x86_64
