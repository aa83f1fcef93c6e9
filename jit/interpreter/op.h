// Threaded code: what the interpreter executes, and the state it executes on.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "jit/float_constants.h"
#include "jit/ir/state_layout.h"
#include "jit/mmu/tlb.h"

namespace ashlar::jit::mmu {
class Mmu;
struct HostView;
} // namespace ashlar::jit::mmu

namespace ashlar::jit {
struct RegionExit;
}

namespace ashlar::jit::interpreter {

struct Context;
struct Op;
// Executes `op` and, by a tail call, what follows it. Returns nullptr to leave the interpreter, Context::exit
// saying why. In builds without tail calls it returns the op to execute next instead.
using Handler = const Op* (*)(Context&, const Op*);

// Operands are slot numbers of Context::slots. What the fields hold beyond that depends on the handler; those
// that may fault know where they are: the guest instruction's index in the block, length and offset,
// in b and c or in the low half of imm (see Site).
struct Op {
    Handler handler;
    std::uint8_t d = 0, a = 0, b = 0, c = 0;
    std::int32_t imm = 0;
};
static_assert(sizeof(Op) == 16);

// Follows a Jump or Branch op: where its targets' code begins. Until they are linked, at ops that leave.
struct Links {
    const Op* taken;
    const Op* not_taken;
};
static_assert(sizeof(Links) == sizeof(Op));

// Follows a LoadWide op.
struct WideConstant {
    std::uint64_t value;
    std::uint64_t unused;
};
static_assert(sizeof(WideConstant) == sizeof(Op));

// The place of a guest instruction in its block.
struct Site {
    static constexpr std::uint8_t kFourBytes = 0x80;
    std::uint8_t half_offset;      // bytes / 2
    std::uint8_t index_and_length; // instructions before it, below 128, and kFourBytes

    constexpr std::uint64_t offset() const { return std::uint64_t{half_offset} * 2; }
    constexpr unsigned index() const { return index_and_length & 0x7fu; }
    constexpr unsigned length() const { return (index_and_length & kFourBytes) != 0 ? 4 : 2; }
};

// Slots 0.. are the guest's state, the rest the interpreter's own.
constexpr unsigned kSlots = 256;
constexpr unsigned kFirstTemporary = 160;
constexpr unsigned kZeroSlot = kFirstTemporary;        // always 0
constexpr unsigned kDiscardSlot = kFirstTemporary + 1; // results that nobody reads
constexpr unsigned kFirstFreeSlot = kFirstTemporary + 2;

struct Exit {
    enum class Kind : std::uint8_t {
        Budget,      // pc is the next block
        Lookup,      // pc is the next block, whose code is not known; `link` may take it when it is there,
                     // `value` is the address of the block that jumped
        Exception,   // cause and value, of the instruction at pc
        Illegal,     // the instruction at pc, whose encoding the engine finds itself
        Helper,      // a helper asked to leave; it has set pc
        CodeChanged, // translated code was overwritten; pc is the next instruction
        Promote,     // the block at pc has run often enough for the next tier; `value` is its code's address
        Region,      // the region at pc does not know whether its pages are still there; `value` names it
        Surprise,    // a region has met too many jumps that it did not expect: `value` is its root's code,
                     // `cause` the JumpProfile
    };
    static constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::Surprise) + 1;
    Kind kind = Kind::Budget;
    std::uint64_t cause = 0, value = 0;
    const Op** link = nullptr;
    const void* native_edge = nullptr; // Lookup: of host code, see NativeCompiler::link
};

// What a system operation wants done after it.
enum class HelperOutcome : std::uint8_t {
    Continue, // with the next instruction of the block
    Leave,    // the instruction is complete, pc says where to go on; the engine looks at things first
    Jump,     // the instruction is complete, pc says where to go on
    Trap,     // the instruction is not complete, pc says where its trap goes on
    Raise,    // exit.cause and exit.value, nothing was changed
};

class Helpers {
public:
    // Helpers with numbers from here on see the accrued floating-point exceptions, and may change them or the
    // rounding mode.
    static constexpr unsigned kFirstOfFloat = 0x80;
    // `pc` slot: the instruction's own address, retired slot: instructions before it. Unless the block
    // continues the helper sets the pc slot; `next_pc` is the instruction that follows.
    virtual HelperOutcome call_helper(unsigned number, std::uint32_t argument, std::uint64_t next_pc) = 0;
    // A region's instruction at `pc` was about to access the `length` bytes from `address`, which are not in
    // the extent in `slot`. The region leaves.
    virtual void extent_missed(unsigned slot, std::uint64_t address, unsigned length, std::uint64_t pc) = 0;
    // A region's probe has found no page of RAM that may be accessed as it wants to. The region leaves.
    virtual void probe_failed() = 0;

protected:
    ~Helpers() = default;
};

// Virtual pc to code. The tag is pc ^ generation.
struct JumpCacheEntry {
    static constexpr std::uint64_t kNoTag = ~std::uint64_t{0};
    std::uint64_t tag = kNoTag;
    const void* native = nullptr; // where host code goes on, see NativeCompiler::entry
};
static_assert(sizeof(JumpCacheEntry) == 16);

struct Context {
    alignas(64) std::array<std::uint64_t, kSlots> slots{};
    std::int64_t budget = 0;          // instructions left; blocks subtract theirs as they end
    std::int64_t retired_at_zero = 0; // instructions retired when the budget gets to 0
    const mmu::Tlb* tlb = nullptr;    // of loads and stores
    // Of jump cache entries that hold now. A multiple of kGenerationUnit below kGenerationEnd, so that a
    // virtual address ^ a generation tells both: canonical addresses differ below the unit, or in bit 63.
    std::uint64_t generation = 0;
    std::uint8_t guard = kCallHelper; // what Guard ops have to do: bits below
    // Set by devices, signal handlers and other threads: leave at the end of a block soon. Seen at once after
    // slow memory accesses, else when the budget is used up.
    std::atomic<bool> attention{false};
    Exit exit;
    mmu::Mmu* mmu = nullptr;
    mmu::HostView* tlb_view = nullptr; // the MMU's, for host code
    Helpers* helpers = nullptr;
    std::uint64_t retired_in_host_code = 0; // while out of it
    // How the last region was left, if that is counted, and the instructions retired then, or when a region
    // was entered last.
    RegionExit* region_exit = nullptr;
    std::int64_t region_mark = 0;
    std::uint64_t probes_found = 0, probes_failed = 0; // that regions could not answer themselves
    FloatConstants float_constants;                    // for host code

    static constexpr unsigned kVirtualBits = 39; // bits from here on are all equal, in RAM's addresses too
    static constexpr std::uint64_t kGenerationUnit = std::uint64_t{1} << kVirtualBits,
                                   kGenerationEnd = std::uint64_t{1} << 63;
    static constexpr std::size_t kJumpCacheEntries = 65536;
    std::array<JumpCacheEntry, kJumpCacheEntries> jump_cache{};
    std::array<const Op*, kJumpCacheEntries> jump_code{}; // of the same entries
    // Host code computes the same.
    static constexpr unsigned kJumpCacheShift = 12;
    static std::size_t jump_cache_index(std::uint64_t pc) {
        return ((pc >> kJumpCacheShift ^ pc) >> 1) & (kJumpCacheEntries - 1);
    }
    // The code at pc if the cache has it, else nullptr.
    const Op* cached_code(std::uint64_t pc) const {
        const std::size_t index = jump_cache_index(pc);
        return jump_cache[index].tag == (pc ^ generation) ? jump_code[index] : nullptr;
    }
    // What the cache has for pc under whatever generation.
    const Op* last_code(std::uint64_t pc) const {
        const std::size_t index = jump_cache_index(pc);
        const std::uint64_t other = jump_cache[index].tag ^ pc;
        return (other & (kGenerationUnit - 1)) == 0 && other < kGenerationEnd ? jump_code[index] : nullptr;
    }

    static constexpr std::uint8_t kCallHelper = 1;
    // The dynamic rounding mode is reserved or not one of the host's: leave floating point to the
    // interpreter, which looks at the mode in every operation.
    static constexpr std::uint8_t kInterpretFloat = 2;

    std::int64_t retired() const { return retired_at_zero - budget; }
    // Makes the running block the last.
    void yield() {
        retired_at_zero -= budget;
        budget = 0;
    }
};

// Runs `code` with Context::budget until something makes it leave. Meanwhile the accrued exceptions of the
// guest are partly in the host's FPU (jit/fp_host.h); before and after, and in helpers, the slot has them
// all.
void execute(Context& context, const Op* code);

} // namespace ashlar::jit::interpreter
