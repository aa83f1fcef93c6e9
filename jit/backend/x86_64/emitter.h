// Host registers and the building blocks of emitted code.
//
// r15 points 128 bytes into the interpreter's Context, so that the guest's 32 integer registers are one
// signed byte away. rbp is the guest-virtual pc of the running block, r14 the data TLB's entries. Nine guest
// registers live in host registers across all blocks; rax, rcx and rdx are scratch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "jit/backend/x86_64/classify.h"
#include "jit/backend/x86_64/encoder.h"
#include "jit/interpreter/op.h"
#include "jit/native_compiler.h"
#include "lib/bytes.h"

namespace ashlar::jit::x86_64 {

using interpreter::Context;
using interpreter::Op;

constexpr int kContextBias = 128;

struct HostFeatures {
    bool bmi1 = false, bmi2 = false, lzcnt = false, popcnt = false, sse41 = false;
    bool fast_pext = false;        // and PDEP; some CPUs with BMI2 take hundreds of cycles
    bool avx = false, fma = false; // only where the system saves their registers
    static HostFeatures detect();
    // Of a CPU with BMI2, by what CPUID says: the vendor's name (leaf 0) and EAX of leaf 1.
    static bool has_fast_pext(std::string_view vendor, std::uint32_t signature);
};

struct Pinned {
    std::uint8_t slot;
    std::uint8_t host; // register number
};
// sp, s0, s1, a0 to a5: what compilers use most.
inline constexpr Pinned kPinned[] = {{2, 3 /* rbx */}, {8, 6 /* rsi */}, {9, 7 /* rdi */}, {10, 8}, {11, 9},
                                     {12, 10},         {13, 11},         {14, 12},         {15, 13}};

class Emitter : public Encoder {
public:
    // Code of at most so many bytes at a time.
    static Result<std::unique_ptr<Emitter>> create(std::size_t bytes);
    // Begins code that is to be placed somewhere.
    void begin_unplaced() {
        restart(kUnplaced);
        outward_count_ = 0;
    }
    // What was emitted since, until something else is. Refers to code that has its place by the recorded
    // distances alone.
    UnplacedCode unplaced() const {
        ASHLAR_ASSERT(!overflowed() && Xbyak::GetError() == Xbyak::ERR_NONE);
        return {emitted(), {outward_.data(), outward_count_}};
    }
    // There were too many such distances to record.
    bool overflowed() const { return outward_count_ > outward_.size(); }

    // Host register of a guest slot, or -1.
    static int host_of(unsigned slot) { return slot < 32 ? kHostOf[slot] : -1; }
    static bool is_pinned(unsigned slot) { return host_of(slot) >= 0; }

    Xbyak::Reg64 context_register() const { return r15; }
    static ContextField context_field(std::size_t offset) {
        return {static_cast<int>(offset) - kContextBias, 64};
    }
    static ContextField slot_address(unsigned slot) { return context_field(8 * std::size_t{slot}); }
    static ContextField slot_address32(unsigned slot) {
        return {8 * static_cast<int>(slot) - kContextBias, 32};
    }

    // `to` = the slot's value.
    void load_slot(const Xbyak::Reg64& to, unsigned slot);
    // Low half, zero-extended.
    void load_slot32(const Xbyak::Reg64& to, unsigned slot);
    void store_slot(unsigned slot, const Xbyak::Reg64& from);
    // `to` = the place in the data TLB for an address, of which `from` is the low half. May change flags.
    void tlb_index(const Xbyak::Reg32& to, const Xbyak::Reg32& from);
    // What the TLB has there.
    Xbyak::Address tlb_tag(const Xbyak::Reg64& index, bool writes) const {
        return ptr[r14 + index * 8 + mmu::Tlb::tags_offset(writes ? mmu::kStores : mmu::kLoads)];
    }
    Xbyak::Address tlb_addend(const Xbyak::Reg64& index) const {
        return ptr[r14 + index * 8 + mmu::Tlb::addends_offset()];
    }
    // The slot's value in a register: its own when pinned, else loaded into `scratch`.
    Xbyak::Reg64 in_register(unsigned slot, const Xbyak::Reg64& scratch);
    // Where to compute a result for `slot`: its own register, or `scratch` and then finish().
    Xbyak::Reg64 target(unsigned slot, const Xbyak::Reg64& scratch) const;
    void finish(unsigned slot, const Xbyak::Reg64& computed);
    void load_constant(const Xbyak::Reg64& to, std::int64_t value);

    void spill_pinned();
    void reload_pinned();

    // A near conditional or unconditional jump whose distance is patched later: the position of its rel32.
    std::size_t jump_later();
    std::size_t jump_if_later(std::uint8_t condition_code);
    void bind(std::size_t rel32_position) { bind(rel32_position, position()); }
    void bind(std::size_t rel32_position, std::size_t target);
    void jump_to(std::size_t target) { bind(jump_later(), target); }
    void call_to(std::size_t target);

    void emit_binary(const OpClass& op_class, const Op& op);
    void emit_binary_immediate(const OpClass& op_class, const Op& op);
    // What has no form with an immediate: that is put into a slot.
    void emit_binary_by_slot(const OpClass& op_class, const Op& op);
    // False when the op is better left to the interpreter's handler.
    bool emit_unary(const OpClass& op_class, const Op& op);
    bool handles_binary(ir::Opcode opcode) const;
    bool handles_binary_immediate(ir::Opcode opcode) const;

    HostFeatures features = HostFeatures::detect();

private:
    Emitter(std::unique_ptr<std::byte[]> buffer, std::size_t bytes)
        : Encoder({buffer.get(), bytes}), buffer_(std::move(buffer)) {}

    static constexpr std::size_t kMaxOutward = 8192;
    static constexpr auto kHostOf = [] {
        std::array<std::int8_t, 32> hosts{};
        hosts.fill(-1);
        for (const Pinned& pinned : kPinned)
            hosts[pinned.slot] = static_cast<std::int8_t>(pinned.host);
        return hosts;
    }();

    // An operand: pinned register or memory.
    template <class Use>
    void with_operand(unsigned slot, Use use);
    void simple(ir::Opcode opcode, const Op& op);
    void simple_immediate(ir::Opcode opcode, const Op& op);
    void apply(ir::Opcode opcode, const Xbyak::Operand& to, const Xbyak::Operand& from);
    void apply(ir::Opcode opcode, const Xbyak::Operand& to, std::int32_t immediate);
    void compare_set(const Op& op, bool is_signed);
    void compare_set_immediate(const Op& op, bool is_signed);
    void shift(ir::Opcode opcode, const Op& op);
    void shift_immediate(ir::Opcode opcode, const Op& op);
    void word_arithmetic(ir::Opcode opcode, const Op& op);
    void minimum_maximum(ir::Opcode opcode, const Op& op);
    void multiply_high(bool is_signed, const Op& op);
    void shift_add(unsigned shift, bool unsigned_word, const Op& op);
    void divide(bool is_signed, bool remainder, bool is_word, const Op& op);

    std::unique_ptr<std::byte[]> buffer_;
    std::array<std::uint32_t, kMaxOutward> outward_{};
    std::size_t outward_count_ = 0;
};

} // namespace ashlar::jit::x86_64
