// Floating-point operations on host registers, wherever the tier that uses them keeps guest registers.
//
// Operands and results are the 64 raw bits of f registers, in the low half of an xmm register (the high half
// means nothing) or, operands only, in memory. Results are as jit/fp.h says: NaNs canonical, singles
// NaN-boxed. Exceptions accrue in MXCSR, whose direction is the dynamic rounding mode; code that uses these
// functions runs only while the host has that mode (frm up to 3), see Context::guard.
//
// Every function uses xmm15, xmm14 and rax as scratch; none of them may be an operand or a result. A result
// may be in the register of an operand.
//
// What the host cannot do in a few instructions leaves the inline code by a slow jump, to have the operation
// done by the interpreter's handler; the registers of all operands are then as they were, also one that is
// the result's. Cases that are merely rare are emitted by emit_cold_code().
#pragma once

#include <array>

#include "jit/backend/x86_64/emitter.h"
#include "jit/fp.h"

namespace ashlar::jit::x86_64 {

class FloatEmitter {
public:
    using Xmm = Xbyak::Xmm;
    using Reg64 = Xbyak::Reg64;
    using Precision = ir::Precision;

    // `bits` outlives the call that it is passed to: a register, or an address based on registers.
    struct Source {
        const Xbyak::Operand& bits;
        bool known_boxed = false; // a single that certainly is: no check
    };
    // Positions of rel32s, to be bound to code that calls the handler.
    struct SlowJumps {
        std::array<std::size_t, 6> positions{};
        std::size_t count = 0;
    };

    explicit FloatEmitter(Emitter& emitter) : e_(emitter) {}

    // Makes a NaN in the register canonical.
    void canonicalize(Precision precision, const Xmm& d);
    void box(const Xmm& d) { packed(Packed::Or, d, d, constant(Constant::Box)); }
    // A routine that makes a NaN canonical, and changes nothing else.
    void emit_canonicalizer(Precision precision, const Xmm& d);
    // The rest of the operations since the last time; where no code runs into it.
    void emit_cold_code();
    // Those of the operations since the last time. The handler's result, stored to its slot, then takes the
    // place of the register `d`.
    SlowJumps take_slow_jumps();

    // `rounding` is a static mode or ir::kDynamicRounding. False, and nothing is emitted, when the operation
    // in that mode is left to the handler altogether. Square root is of `a`. Unless `canonical`, a NaN that
    // is the result may be any quiet one.
    bool arithmetic(fp::Arithmetic operation, Precision precision, std::uint8_t rounding, const Xmm& d,
                    Source a, Source b, bool canonical = true);
    bool fused(fp::Fused operation, Precision precision, std::uint8_t rounding, const Xmm& d, Source a,
               Source b, Source c);
    void compare(fp::Compare operation, Precision precision, const Reg64& d, Source a, Source b);
    // For a branch: the host's flags. The comparison holds if `condition` does and, where `unless_parity`
    // says so, kParity does not.
    struct Flags {
        std::uint8_t condition;
        bool unless_parity;
    };
    Flags compare_flags(fp::Compare operation, Precision precision, Source a, Source b);
    void minimum(Precision precision, const Xmm& d, Source a, Source b) { select(false, precision, d, a, b); }
    void maximum(Precision precision, const Xmm& d, Source a, Source b) { select(true, precision, d, a, b); }
    void sign(fp::SignInjection operation, Precision precision, const Xmm& d, Source a, Source b);

    bool to_integer(fp::Integer type, Precision precision, std::uint8_t rounding, const Reg64& d, Source a);
    // d and x may both be rax in these.
    bool from_integer(fp::Integer type, Precision precision, std::uint8_t rounding, const Xmm& d,
                      const Reg64& x);
    // `index` and `magnitude` are scratch; each may be d.
    void classify(Precision precision, const Reg64& d, Source a, const Reg64& index, const Reg64& magnitude);
    void to_bits(Precision precision, const Reg64& d, Source a);
    void from_bits(Precision precision, const Xmm& d, const Reg64& x);
    // d = a register's bits: also from memory, where a single of 32 bits becomes a boxed one.
    void load(const Xmm& d, const Xbyak::Operand& from);
    void load_single(const Xmm& d, const Xbyak::Address& from);
    bool widen(std::uint8_t rounding, const Xmm& d, Source a);
    bool narrow(std::uint8_t rounding, const Xmm& d, Source a);

private:
    using Operand = Xbyak::Operand;
    // Emitted behind the code that jumps there, to go on at `resume`.
    struct Cold {
        enum class Kind : std::uint8_t { Nan, Select };
        std::size_t jump, resume;
        Kind kind;
        Precision precision;
        std::uint8_t d, a, b; // of xmm registers; a and b: the operands of a selection, of which one is a NaN
    };
    using Constant = FloatConstant;

    Xbyak::Address constant(Constant which) const;
    Xbyak::Address constant(Constant of_double, Constant of_single, Precision precision) const {
        return constant(precision == Precision::Double ? of_double : of_single);
    }
    void slow_jump_if(std::uint8_t condition_code);
    void require_boxed(Precision precision, Source a);
    void require_boxed(Precision precision, Source a, Source b);
    // The operand in a register: its own, or loaded into `scratch`.
    Xmm in_register(Source a, const Xmm& scratch);
    // d = a OP b. In both, b is not d unless a is too.
    enum class Packed : std::uint8_t { And, Or, Xor };
    void packed(Packed operation, const Xmm& d, const Xmm& a, const Operand& b);
    enum class Scalar : std::uint8_t { Add, Subtract, Multiply, Divide, Minimum, Maximum };
    void scalar(Scalar operation, Precision precision, const Xmm& d, const Xmm& a, const Operand& b);
    void compare_quiet(Precision precision, const Xmm& a, const Operand& b);
    void compare_signaling(Precision precision, const Xmm& a, const Operand& b);
    void select(bool maximum, Precision precision, const Xmm& d, Source a, Source b);
    void emit_cold(const Cold& cold);
    void add_cold(const Cold& cold);
    // Leaves by a slow jump unless the operand's bits say 0 <= a < 2^exponent.
    void require_below_power(Precision precision, int exponent, const Operand& a);
    void convert(Precision precision, bool truncate, const Xbyak::Reg& d, const Operand& a);
    void round(Precision precision, const Xmm& d, const Xmm& a, std::uint8_t control);

    Emitter& e_;
    SlowJumps slow_jumps_;
    std::array<Cold, 128> cold_{};
    std::size_t cold_count_ = 0;
};

} // namespace ashlar::jit::x86_64
