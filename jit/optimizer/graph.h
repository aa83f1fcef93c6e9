// The optimizer's form of a region: basic blocks of SSA nodes over one guest state.
//
// A region is what tier 2 compiles at once: blocks of IR that run into each other, loops and inlined calls
// among them. Guest registers are values here; the state that an exit needs is described, not stored: entry
// values of a block, changed by its first so many settings (StateSet).
#pragma once

#include <array>
#include <bit>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "jit/ir/block.h"
#include "jit/ir/state_layout.h"
#include "jit/optimizer/leave.h"
#include "lib/assert.h"

namespace ashlar::jit {
struct JumpProfile;
}

namespace ashlar::jit::optimizer {

// An array with room for N that remembers when something did not fit: the region is then given up.
template <class T, std::size_t N>
class Bounded {
public:
    bool push(const T& item) {
        if (size_ == N) {
            overflowed_ = true;
            return false;
        }
        items_[size_++] = item;
        return true;
    }
    void clear() {
        size_ = 0;
        overflowed_ = false;
    }
    void resize(std::size_t size) {
        ASHLAR_ASSERT(size <= N);
        size_ = size;
    }
    bool overflowed() const { return overflowed_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](std::size_t i) {
        ASHLAR_ASSERT(i < size_);
        return items_[i];
    }
    const T& operator[](std::size_t i) const {
        ASHLAR_ASSERT(i < size_);
        return items_[i];
    }
    T* begin() { return items_.data(); }
    T* end() { return items_.data() + size_; }
    const T* begin() const { return items_.data(); }
    const T* end() const { return items_.data() + size_; }

private:
    std::array<T, N> items_{};
    std::size_t size_ = 0;
    bool overflowed_ = false;
};

using NodeId = std::uint16_t;
using BlockId = std::uint8_t;
constexpr NodeId kNoNode = 0xffff;
constexpr BlockId kNoBlock = 0xff;

// Guest slots that are values in a region: the integer and floating-point registers.
constexpr std::size_t kValueSlots = 64;
constexpr std::size_t kMaxNodes = 4096;
constexpr std::size_t kMaxBlocks = 192;
constexpr std::size_t kMaxPredecessors = 40;
constexpr std::size_t kMaxSets = 2048;
// How far from its address a stream's range may reach, and how much the address may grow in one turn: a bound
// on the address is then one on the range, and the address does not pass the end of the address space unseen.
constexpr std::int32_t kMaxStreamDistance = 3072;
constexpr std::int64_t kMaxStride = 256;
// Extents have numbers. The slots with these are for loads, those so many behind for stores too; both have
// the same addend. How many bytes a check can be for, by the bounds for short ranges and by those for all.
constexpr unsigned kExtentSlots = 16, kFirstSlotToWrite = 8;
constexpr std::int32_t kNearRange = 256, kFarRange = 16384;

enum class Kind : std::uint8_t {
    Dead,
    Entry, // what slot `immediate` holds when the region is entered
    Phi,   // of slot `immediate`; operands in phi_operands[], one for each predecessor
    // An ir::Opcode: pure, or an access to memory, Fence, floating point. Get and Set are of words of the
    // guest's state that are no values here, where they are; `fixed` when nothing in the region changes them.
    Operation,
    // Makes sure that the bytes [low, high) from operand 0 lie in one page that may be read (or written) in
    // RAM, and yields what turns their guest-virtual addresses into host addresses; else exits.
    Probe,
    // A Probe in a loop whose address only grows: compares with the page's end as it was found last.
    StreamProbe,
    StreamStart, // before that loop: finds the first page's end; never exits
    // What holds for extents, stretches of memory that one addend translates, one in each of some slots; what
    // is in the slots stays while a region runs. Extent: slot `slot`'s addend, or where it begins in the
    // host's memory (`fused`).
    Extent,
    // Makes sure that the bytes [low, high) from operand 0, or with `fused` from operand 0 + (operand 1 <<
    // scale), lie in the slot's extent; else exits. With `fused`, yields the first one's distance from the
    // extent's start. `grows`: operand 0 is known not to lie before the extent. `immediate` is the access's
    // pc, as `pc` is where the guest is then.
    Within,
    Guard,   // exits when the guard word is set
    LeaveIf, // exits when operand 0 is not 0, or with `negated` when it is
    Expect,  // exits to operand 0 when that is not operand 1: a return's address
};

// What is expected of the addresses at an access: the number of an extent, or one of these.
using Site = std::uint8_t;
constexpr Site kSitePaged = 0xfe;   // any page
constexpr Site kSiteUnknown = 0xff; // what is known of where the address comes from

struct Node {
    Kind kind = Kind::Dead;
    ir::Opcode opcode{};
    ir::Type type = ir::Type::Integer;
    std::uint8_t width = 0;
    std::uint8_t attribute = 0; // as in ir::Instruction
    ir::Precision precision = ir::Precision::Double;
    std::uint8_t rounding = 0;
    BlockId block = kNoBlock;
    bool is_word = false;     // the value is its low half, sign-extended
    bool needs_upper = false; // somebody looks at more than the low half
    bool writes = false;      // Probe: for stores too
    // Probe: what writes may not happen; nor may any access. Then they must leave no trace in page tables.
    bool speculative_write = false, speculative = false;
    // Probe: yields what added to operand 1 << scale, if there is one, gives host addresses. Accesses go
    // through such a probe with operand 0 that operand 1.
    bool fused = false;
    std::uint8_t scale = 0;
    std::uint8_t slot = 0;        // Extent, Within
    bool grows = false;           // Within
    Site site = kSiteUnknown;     // of an access
    bool fixed = false;           // Get
    bool negated = false;         // LeaveIf
    bool aligned = false;         // atomics: known to be, by one before
    bool reserved = false;        // StoreConditional: behind the LoadReserved of its address
    bool sunk = false;            // computed by exits that need it, nowhere else
    bool late = false;            // a NaN need not be the canonical one: exits see to that
    bool settles = false;         // FloatSign: a copy that is what its operand need not be; never exits
    bool unboxed = false;         // the upper half of a single may be anything: likewise
    std::uint8_t stream = 0;      // StreamProbe, StreamStart: which
    std::uint8_t guest_index = 0; // guest instructions of the block before the one this belongs to
    std::uint16_t sets = 0;       // settings of the block that have happened before this node
    NodeId operands[3] = {kNoNode, kNoNode, kNoNode};
    NodeId previous = kNoNode, next = kNoNode; // in the block
    NodeId hash_next = kNoNode;
    NodeId check = kNoNode;         // of an access: what vouches for the address, if that is not the probe
    std::uint16_t phi = 0;          // index into phi_operands
    std::int32_t displacement = 0;  // of an access
    std::int32_t low = 0, high = 0; // Probe: bytes relative to operand 0
    std::int32_t pc = 0;            // guest instruction, relative to the region's start
    std::int64_t immediate = 0;
};

struct StateSet {
    std::uint8_t slot;
    NodeId node;
};

// Where control goes at the end of a block.
struct Edge {
    BlockId target = kNoBlock; // none: out of the region, to `pc`
    std::int32_t pc = 0;       // relative to the region's start
    bool backward = false;     // the budget is looked at
    Leave leave{};             // why it leads out of the region
};

struct BasicBlock {
    // Indirect leaves the region. Dispatch goes along `taken`, to blocks that compare the address with those
    // that are likely.
    enum class End : std::uint8_t { Jump, Branch, Indirect, Dispatch };
    std::int32_t pc = 0;
    std::uint16_t guest_instructions = 0;
    End end = End::Jump;
    ir::Condition condition{};
    NodeId a = kNoNode, b = kNoNode; // Branch; a: Indirect's and Dispatch's address
    std::int32_t displacement = 0;   // Indirect, Dispatch
    std::int32_t end_pc = 0;         // of the guest instruction that ends it
    Edge taken, not_taken;           // Jump has `taken` alone
    NodeId first = kNoNode, last = kNoNode;
    std::uint16_t first_set = 0, set_count = 0;
    std::array<NodeId, kValueSlots> entry{}, exit{}; // values of the slots
    std::array<BlockId, kMaxPredecessors> predecessors{};
    std::uint8_t predecessor_count = 0;
    BlockId dominator = kNoBlock;   // immediate
    BlockId loop = kNoBlock;        // header of the innermost loop around
    BlockId outer_loop = kNoBlock;  // of a header: the loop around its own
    std::uint8_t depth = 0;         // of loops
    std::uint16_t order = 0;        // reverse post-order number
    std::uint16_t pending = 0;      // guest instructions not yet charged where it begins
    std::uint32_t weight = 1;       // how often it runs, relative
    std::uint8_t source = 0;        // which source block it is of
    bool compares = false;          // belongs to a dispatch, and stands for no guest instruction
    JumpProfile* profile = nullptr; // takes note of jumps from here to where nobody expected, if any does
};

struct PhiOperands {
    std::array<NodeId, kMaxPredecessors> values;
};

template <class Visit>
void for_each_bit(std::uint64_t bits, Visit visit) {
    for (; bits != 0; bits &= bits - 1)
        visit(static_cast<unsigned>(std::countr_zero(bits)));
}

// Block 0 is a preheader of the region's first guest block: it holds entry values and what is hoisted.
struct Graph {
    Bounded<Node, kMaxNodes> nodes;
    Bounded<BasicBlock, kMaxBlocks> blocks;
    Bounded<StateSet, kMaxSets> sets;
    Bounded<PhiOperands, 2048> phis;
    std::array<NodeId, kMaxNodes> forward{}; // what has replaced a node, or itself
    Bounded<BlockId, kMaxBlocks> order;      // blocks in reverse post-order
    std::array<NodeId, kValueSlots> entries{};
    static constexpr unsigned kMaxStreams = 8;
    unsigned streams = 0;
    std::array<NodeId, kMaxStreams> stream_probes{};
    bool uses_float = false;
    std::uint64_t changed_slots = 0; // that some block sets: the others hold what they held at the entry
    std::bitset<ir::kStateSlots> changed_words; // likewise, of those that are no values
    // For passes, meanwhile.
    Bounded<NodeId, kMaxNodes> work;
    std::array<bool, kMaxNodes> marks{};
    std::array<std::uint16_t, kMaxNodes> counts{};

    void clear();
    bool overflowed() const {
        return nodes.overflowed() || blocks.overflowed() || sets.overflowed() || phis.overflowed();
    }

    NodeId resolve(NodeId id) {
        if (id == kNoNode)
            return id;
        NodeId root = id;
        while (forward[root] != root)
            root = forward[root];
        while (forward[id] != root) {
            const NodeId next = forward[id];
            forward[id] = root;
            id = next;
        }
        return root;
    }
    Node& at(NodeId id) { return nodes[id]; }
    bool is_constant(NodeId id) const {
        const Node& node = nodes[id];
        return node.kind == Kind::Operation && node.opcode == ir::Opcode::Constant;
    }
    bool is_constant(NodeId id, std::int64_t value) const {
        return is_constant(id) && nodes[id].immediate == value;
    }
    bool is_operation(NodeId id, ir::Opcode opcode) const {
        return nodes[id].kind == Kind::Operation && nodes[id].opcode == opcode;
    }

    // A copy of `node` that is in no block yet; kNoNode when there is no room.
    NodeId create(const Node& node);
    void append(BlockId block, NodeId id);
    void insert_before(NodeId position, NodeId id);
    void prepend(BlockId block, NodeId id);
    void remove(NodeId id); // from its block
    bool dominates(BlockId a, BlockId b) const;

    // The value of `slot` behind the first `set_count` settings of a block.
    NodeId state(BlockId block, unsigned set_count, unsigned slot);
    // Calls use(slot, value) for the slots that are not what they were at the region's entry, and for
    // those of `always` (a bit each).
    template <class Use>
    void for_each_changed(BlockId block, unsigned set_count, std::uint64_t always, Use use) {
        std::array<NodeId, kValueSlots> values = blocks[block].entry;
        for (unsigned i = 0; i < set_count; ++i) {
            const StateSet& set = sets[blocks[block].first_set + i];
            values[set.slot] = set.node;
        }
        for_each_bit((changed_slots | always) & ~std::uint64_t{1}, [&](unsigned slot) {
            const NodeId value = resolve(values[slot]);
            if (value != entries[slot] || (always >> slot & 1) != 0)
                use(slot, value);
        });
    }
};

constexpr bool is_float_operation(const Node& node) {
    return node.kind == Kind::Operation && node.opcode >= ir::Opcode::FloatArithmetic &&
           node.opcode < ir::Opcode::FloatToBits && node.opcode != ir::Opcode::FloatClassify;
}
// Floating point of which hosts carry out every case. The rest may leave the region, for the interpreter to
// do what the host cannot: singles that are not boxed, conversions out of range, fused operations on NaNs.
constexpr bool is_total(const Node& node) {
    switch (node.opcode) {
    case ir::Opcode::FloatArithmetic:
    case ir::Opcode::FloatCompare:
    case ir::Opcode::FloatMinimum:
    case ir::Opcode::FloatMaximum:
    case ir::Opcode::FloatSign: return node.precision == ir::Precision::Double || node.settles;
    default: return false;
    }
}
// Atomics are aligned, or leave the region.
constexpr bool is_atomic(const Node& node) {
    return node.kind == Kind::Operation &&
           (node.opcode == ir::Opcode::LoadReserved || node.opcode == ir::Opcode::StoreConditional ||
            node.opcode == ir::Opcode::Atomic);
}
constexpr bool accesses_memory(const Node& node) {
    return node.kind == Kind::Operation && ir::info(node.opcode).is(ir::kMemory);
}
// Of an access. What comes before the probe are the operands that it has in IR.
constexpr std::size_t probe_operand(const Node& access) {
    return ir::info(access.opcode).operand_count();
}
constexpr bool writes_memory(const Node& access) {
    return access.opcode != ir::Opcode::Load && access.opcode != ir::Opcode::LoadReserved;
}
constexpr bool is_pure(const Node& node) {
    return node.kind == Kind::Operation &&
           ((ir::info(node.opcode).flags == ir::kPure && !is_float_operation(node)) || node.fixed);
}
constexpr bool has_value(const Node& node) {
    switch (node.kind) {
    case Kind::Entry:
    case Kind::Phi:
    case Kind::Probe:
    case Kind::StreamProbe:
    case Kind::Extent: return true;
    case Kind::Within: return node.fused;
    case Kind::Operation: return ir::info(node.opcode).has_result();
    default: return false;
    }
}
// May leave the region.
constexpr bool exits(const Node& node) {
    return node.kind == Kind::Probe || node.kind == Kind::StreamProbe || node.kind == Kind::Guard ||
           node.kind == Kind::Within || node.kind == Kind::LeaveIf || node.kind == Kind::Expect ||
           (is_float_operation(node) && !is_total(node)) || (is_atomic(node) && !node.aligned);
}

} // namespace ashlar::jit::optimizer
