// Tier 2 on x86-64: emits the code of an optimized region. Entered and left like a block of tier 1: pinned
// guest registers in their host registers, the others in their slots, rbp the guest's pc.
//
// Within a region rax, rdx and xmm13 to xmm15 are scratch; r14 and r15 are what they are elsewhere, but for
// the midst of atomics, where r14 is scratch; every
// other register holds whatever the allocation says. The kPcSlot holds the virtual pc of the region's start.
#pragma once

#include "jit/backend/x86_64/emit_float.h"
#include "jit/backend/x86_64/emitter.h"
#include "jit/backend/x86_64/parallel_move.h"
#include "jit/jump_profile.h"
#include "jit/optimizer/allocate.h"
#include "jit/optimizer/graph.h"
#include "jit/region_exits.h"
#include "jit/region_marks.h"

namespace ashlar::jit::x86_64 {

constexpr std::size_t kXmmRegisters = 16;

// Positions of code that all regions share.
struct RegionThunks {
    std::size_t exit_budget, exit_edge, through_cache, exit_region, exit_surprise, second_level_read,
        second_level_write, probe, probe_with_float;
    // Called: make a NaN in a register canonical. Of doubles, then of singles.
    std::array<std::size_t, 2 * kXmmRegisters> canonicalizers;
};

struct RegionEnvironment {
    std::uint32_t page_offset; // of the region's first instruction
    bool one_page;             // all of its guest code lies in one page
    std::uint64_t expected;    // pc ^ generation under which its pages are where they are
    std::uint64_t identity;    // what exit_region reports
    std::size_t tier1;         // position of the root block's own code
    RegionMarks marks{};
    RegionExits* exits = nullptr; // counts the ways out, if not nullptr
    std::uint64_t pc = 0;         // of the region, for that
    const Op* root = nullptr;     // the root block's threaded code
};

// What lies behind a call of the probe thunks.
struct ProbeRequest {
    std::uint16_t length;
    bool writes, speculative_write, speculative;
    std::uint8_t stream_slot; // 0: no stream; else end and addend go to this slot and the next
    std::uint8_t extent;      // 0: no; else one more than the slot of the extent that does not have the bytes
    std::uint8_t unused;
    std::int32_t low; // of the stream's range, from the address that is compared; extent: the access's pc
};
static_assert(sizeof(ProbeRequest) == 12);

// A region's edge to other code, to be patched: see BaselineCompiler.
struct EdgeSite {
    std::size_t jump;  // its rel32
    std::size_t guard; // the guard's jump, or 0
};

class RegionEmitter {
public:
    static const optimizer::RegisterFile& registers();
    static bool supports(const ir::Instruction& instruction);

    // `shared_memory` as in EngineOptions.
    RegionEmitter(Emitter& emitter, bool shared_memory) : e(emitter), shared_memory_(shared_memory) {}
    void set_thunks(const RegionThunks& thunks) { thunks_ = thunks; }
    const RegionThunks& thunks() const { return thunks_; }

    // False when there is too much of something. The region's entry is at the emitter's position before.
    bool emit(optimizer::Graph& graph, optimizer::Allocation& allocation,
              const RegionEnvironment& environment);
    // The immediate of the entry's guard, 0 for a region in one page.
    std::size_t generation_site() const { return generation_site_; }

private:
    using NodeId = optimizer::NodeId;
    using BlockId = optimizer::BlockId;
    using Node = optimizer::Node;
    using Location = optimizer::Location;
    using Reg64 = Xbyak::Reg64;
    using Xmm = Xbyak::Xmm;
    using Leave = optimizer::Leave;

    static constexpr std::uint8_t kScratchSlot = interpreter::kSlots - 1;
    static constexpr std::uint8_t kFirstStreamSlot = kScratchSlot - 2 * optimizer::Graph::kMaxStreams;

    // Control: region_emitter.cpp
    struct Exit {
        enum class Kind : std::uint8_t { Direct, Indirect };
        Kind kind = Kind::Direct;
        bool budget = false; // is used up: no jump, `charge` does not count
        BlockId block = 0;
        std::uint16_t sets = 0;
        std::int32_t charge = 0;
        std::int32_t pc = 0;                // Direct
        NodeId target = optimizer::kNoNode; // Indirect: to this + displacement
        std::int32_t displacement = 0;
        std::int32_t give_back =
            0;                   // instructions charged that have not happened, less those yet to be charged
        bool unable = false;     // the region cannot go on at `pc`: tier 1 must
        std::size_t jump = 0;    // rel32 that leads here
        std::int32_t marked = 0; // pc of the guest instruction that leaves
        Leave leave{};           // why, if not for the budget
        JumpProfile* profile = nullptr; // takes note
    };
    struct Cold { // a probe that missed, resumed behind it
        std::size_t jump, resume;
        NodeId node;
    };
    struct Fixup {
        std::size_t jump;
        BlockId target;
    };
    struct EdgeBlock { // moves on the way to a block that a conditional jump leads to
        std::size_t jump;
        BlockId from;
        optimizer::Edge edge;
        std::int32_t charge;
    };

    void emit_entry();
    void emit_block(BlockId id, BlockId next);
    void emit_node(NodeId id);
    void emit_branch(BlockId id, BlockId next);
    void emit_taken(std::uint8_t condition, BlockId from, const optimizer::Edge& edge, std::int32_t charge);
    // Goes along an edge from here; `next` is the block that follows in the code.
    void emit_edge(BlockId from, const optimizer::Edge& edge, std::int32_t charge, BlockId next);
    // Whether something happens on the way.
    bool needs_moves(BlockId from, BlockId to);
    template <class Visit>
    void for_each_phi(BlockId from, BlockId to, Visit visit);
    void collect_phi_moves(BlockId from, BlockId to);
    std::int32_t charge_of(BlockId from, const optimizer::Edge& edge) const;
    void charge(std::int32_t instructions);
    void jump_to_block(BlockId target);
    void exit_from_jump(std::size_t jump, const Exit& exit);
    // For the node that cannot be carried out.
    Exit exit_before(const Node& node) const;
    Exit exit_at(BlockId block, std::uint16_t sets, std::uint16_t index, std::int32_t pc) const;
    // To an address that is computed.
    Exit exit_indirect(BlockId block, std::uint16_t sets, std::uint16_t index, NodeId target,
                       std::int32_t displacement, Leave leave) const;
    // For want of a budget, where the block ends.
    Exit exit_for_budget(BlockId block, std::int32_t pc, std::int32_t give_back) const;
    void emit_exit(const Exit& exit);
    void emit_surprise(JumpProfile& profile);
    // Computes a value that only exits need, for this one.
    void raise(NodeId id);
    // A jump to `pc` that is linked later; rbp is the pc already.
    void emit_link(std::int32_t pc);
    void emit_cold_code();
    void emit_probe_miss(const Cold& cold);
    bool is_narrow(NodeId id) const;
    // From here on: code of the guest instruction at `pc`.
    void mark(BlockId block, std::int32_t pc);

    // Statistics: region_counts.cpp
    static Leave leave_of(const Node& node);
    void count_entry();
    void count_exit(const Exit& exit);
    void count_followed_jump();
    void count_jump(std::uint64_t& counter);
    void count_since_mark(std::size_t field);

    // Operands: region_operands.cpp
    Location location(NodeId id) const;
    Reg64 in_register(NodeId id, const Reg64& scratch);
    void load(const Reg64& to, NodeId id);
    void load32(const Reg64& to, NodeId id); // the low half, zero-extended
    // A register or memory operand; constants and the like go to `scratch`.
    template <class Use>
    void with_operand(NodeId id, const Reg64& scratch, bool narrow, Use use);
    bool immediate(NodeId id, std::int32_t& value) const;
    bool is_start(NodeId id) const;
    bool is_far_from_start(NodeId id) const;
    Reg64 target(NodeId id, const Reg64& scratch) const;
    void finish(NodeId id, const Reg64& computed);
    bool lives_in(NodeId id, const Reg64& reg) const;
    Xmm in_float(NodeId id, const Xmm& scratch);
    Xmm float_target(NodeId id, const Xmm& scratch) const;
    void finish_float(NodeId id, const Xmm& computed);
    void emit_moves();
    void emit_move(const Move& move);
    static ContextField slot(std::uint8_t index) { return Emitter::slot_address(index); }
    void load_pc(const Reg64& to, std::int64_t offset);

    // Integer operations: region_integer.cpp
    void emit_operation(NodeId id);
    void emit_binary(NodeId id);
    void emit_unary(NodeId id);
    void emit_add(NodeId id);
    void emit_simple(NodeId id, ir::Opcode opcode, bool narrow);
    void emit_word(NodeId id);
    void emit_shift(NodeId id, ir::Opcode opcode, bool narrow);
    void emit_shift_by(NodeId id, ir::Opcode opcode, unsigned amount, bool narrow);
    void emit_compare_set(NodeId id);
    void emit_multiply_high(NodeId id);
    void emit_divide(NodeId id);
    void emit_select(NodeId id);
    void emit_shift_add(NodeId id, unsigned shift, bool unsigned_word);
    void emit_bit(NodeId id);
    void emit_not(NodeId id);
    std::uint8_t emit_compare(NodeId a, NodeId b, ir::Condition condition);
    void sign_extend(NodeId id, const Reg64& value);

    // Memory: region_memory.cpp
    void emit_probe(NodeId id);
    void emit_stream_probe(NodeId id);
    void emit_stream_start(NodeId id);
    void emit_load(NodeId id);
    void emit_store(NodeId id);
    // Extents: region_extents.cpp
    void emit_extent(NodeId id);
    void load_extent(const Reg64& to, NodeId id);
    void emit_within(NodeId id);
    void emit_outside(const Cold& cold);
    void emit_lookup(NodeId address, const Node& probe);
    void add_base(const Node& probe, const Reg64& addend);
    void load_fused_address(const Node& probe);             // to rax
    void load_address(NodeId address, std::int32_t offset); // to rax
    Xbyak::RegExp address(const Node& node, NodeId probe);
    bool lives_in_memory(NodeId id) const { return location(id).kind != Location::Kind::Register; }

    // Atomics: region_atomic.cpp
    void emit_fence(const Node& fence);
    void emit_load_reserved(NodeId id);
    void emit_store_conditional(NodeId id);
    void emit_atomic(NodeId id);
    void emit_atomic_plainly(NodeId id);
    void emit_atomic_locked(NodeId id);
    bool emit_atomic_without_result(NodeId id);
    void emit_atomic_address(NodeId id); // to rax
    // rdx = rdx OP `memory`, where rdx is the operand's value.
    void emit_combination(const Node& atomic, const Reg64& memory);
    void finish_atomic(NodeId id, const Reg64& old);
    void restore_tlb();

    // Words of the guest's state: region_system.cpp
    void emit_get(NodeId id);
    void emit_set(const Node& set);
    void emit_leave_if(NodeId id);

    // Floating point: region_float.cpp
    void emit_float(NodeId id);
    void emit_float_result(NodeId id, const Xbyak::Operand& a, const Xbyak::Operand& b,
                           const Xbyak::Operand& c);
    void exit_from_float(NodeId id);
    bool is_boxed(NodeId id) const;
    // Makes a NaN canonical, and a single boxed, where it lies, before an exit shows it.
    void settle(NodeId id);
    bool loses(NodeId phi, NodeId value) const { // what the value need not be, the phi must be
        const Node &to = graph_->nodes[phi], &from = graph_->nodes[value];
        return (from.late && !to.late) || (from.unboxed && !to.unboxed);
    }
    bool is_unsettled(NodeId id) const { return graph_->nodes[id].late || graph_->nodes[id].unboxed; }

    Emitter& e;
    bool shared_memory_;
    FloatEmitter float_{e};
    RegionThunks thunks_{};
    optimizer::Graph* graph_ = nullptr;
    optimizer::Allocation* allocation_ = nullptr;
    optimizer::Bounded<NodeId, 128> sunk_; // that the exit being emitted has computed
    RegionEnvironment environment_{};
    std::size_t generation_site_ = 0;
    std::int32_t marked_ = 0; // pc
    bool too_much_ = false;
    std::array<std::size_t, optimizer::kMaxBlocks> positions_{};
    optimizer::Bounded<Exit, 512> exits_;
    optimizer::Bounded<Cold, 512> cold_;
    optimizer::Bounded<Fixup, 512> fixups_;
    optimizer::Bounded<EdgeBlock, 128> edge_blocks_;
    optimizer::Bounded<std::size_t, 256> surprises_; // jumps
    optimizer::Bounded<EdgeSite, 512> links_;
    Moves moves_;
};

} // namespace ashlar::jit::x86_64
