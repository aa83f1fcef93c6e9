// Arithmetic, comparisons, selections. A single computed by a scalar instruction has the high half of its
// first operand, so that it is NaN-boxed because that one is.
#include "jit/backend/x86_64/emit_float.h"

#include "jit/backend/x86_64/condition_code.h"

namespace ashlar::jit::x86_64 {

using Xbyak::Operand;
using Xbyak::Xmm;

namespace {

bool is_double(ir::Precision precision) {
    return precision == ir::Precision::Double;
}

} // namespace

Xbyak::Address FloatEmitter::constant(Constant which) const {
    static_assert(offsetof(Context, float_constants) % FloatConstants::kBytes == 0);
    return e_.ptr[e_.context_register() +
                  (static_cast<int>(offsetof(Context, float_constants) +
                                    FloatConstants::kBytes * static_cast<std::size_t>(which)) -
                   kContextBias)];
}

FloatEmitter::SlowJumps FloatEmitter::take_slow_jumps() {
    const SlowJumps taken = slow_jumps_;
    slow_jumps_.count = 0;
    return taken;
}

void FloatEmitter::slow_jump_if(std::uint8_t condition_code) {
    ASHLAR_ASSERT(slow_jumps_.count < slow_jumps_.positions.size());
    slow_jumps_.positions[slow_jumps_.count++] = e_.jump_if_later(condition_code);
}

void FloatEmitter::require_boxed(Precision precision, Source a) {
    if (is_double(precision) || a.known_boxed)
        return;
    if (a.bits.isMEM()) {
        e_.cmp(e_.dword[a.bits.getAddress().getRegExp() + 4], -1);
        return slow_jump_if(kNotEqual);
    }
    e_.movq(e_.rax, Xmm(a.bits.getIdx()));
    e_.cmp(e_.rax, constant(Constant::Box));
    slow_jump_if(kBelow);
}

void FloatEmitter::require_boxed(Precision precision, Source a, Source b) {
    require_boxed(precision, a);
    if (!(a.bits == b.bits))
        require_boxed(precision, b);
}

Xmm FloatEmitter::in_register(Source a, const Xmm& scratch) {
    if (!a.bits.isMEM())
        return Xmm(a.bits.getIdx());
    load(scratch, a.bits);
    return scratch;
}

void FloatEmitter::load(const Xmm& to, const Operand& from) {
    if (from.isMEM())
        e_.features.avx ? e_.vmovq(to, from.getAddress()) : e_.movq(to, from);
    else if (from.getIdx() != to.getIdx())
        e_.features.avx ? e_.vmovaps(to, from) : e_.movaps(to, from);
}

void FloatEmitter::packed(Packed operation, const Xmm& d, const Xmm& a, const Operand& b) {
    if (!e_.features.avx)
        load(d, a);
    switch (operation) {
    case Packed::And: return e_.features.avx ? e_.vandps(d, a, b) : e_.andps(d, b);
    case Packed::Or: return e_.features.avx ? e_.vorps(d, a, b) : e_.orps(d, b);
    case Packed::Xor: return e_.features.avx ? e_.vxorps(d, a, b) : e_.xorps(d, b);
    }
}

void FloatEmitter::scalar(Scalar operation, Precision precision, const Xmm& d, const Xmm& a,
                          const Operand& b) {
    const bool wide = is_double(precision);
    if (e_.features.avx) {
        switch (operation) {
        case Scalar::Add: return wide ? e_.vaddsd(d, a, b) : e_.vaddss(d, a, b);
        case Scalar::Subtract: return wide ? e_.vsubsd(d, a, b) : e_.vsubss(d, a, b);
        case Scalar::Multiply: return wide ? e_.vmulsd(d, a, b) : e_.vmulss(d, a, b);
        case Scalar::Divide: return wide ? e_.vdivsd(d, a, b) : e_.vdivss(d, a, b);
        case Scalar::Minimum: return wide ? e_.vminsd(d, a, b) : e_.vminss(d, a, b);
        case Scalar::Maximum: return wide ? e_.vmaxsd(d, a, b) : e_.vmaxss(d, a, b);
        }
    }
    load(d, a);
    switch (operation) {
    case Scalar::Add: return wide ? e_.addsd(d, b) : e_.addss(d, b);
    case Scalar::Subtract: return wide ? e_.subsd(d, b) : e_.subss(d, b);
    case Scalar::Multiply: return wide ? e_.mulsd(d, b) : e_.mulss(d, b);
    case Scalar::Divide: return wide ? e_.divsd(d, b) : e_.divss(d, b);
    case Scalar::Minimum: return wide ? e_.minsd(d, b) : e_.minss(d, b);
    case Scalar::Maximum: return wide ? e_.maxsd(d, b) : e_.maxss(d, b);
    }
}

// Invalid for signaling NaNs.
void FloatEmitter::compare_quiet(Precision precision, const Xmm& a, const Operand& b) {
    is_double(precision) ? e_.ucomisd(a, b) : e_.ucomiss(a, b);
}

// Invalid for all NaNs.
void FloatEmitter::compare_signaling(Precision precision, const Xmm& a, const Operand& b) {
    is_double(precision) ? e_.comisd(a, b) : e_.comiss(a, b);
}

void FloatEmitter::canonicalize(Precision precision, const Xmm& d) {
    compare_quiet(precision, d, d);
    const std::size_t jump = e_.jump_if_later(kParity);
    add_cold({jump, e_.position(), Cold::Kind::Nan, precision, static_cast<std::uint8_t>(d.getIdx()), 0, 0});
}

void FloatEmitter::emit_canonicalizer(Precision precision, const Xmm& d) {
    compare_quiet(precision, d, d);
    const std::size_t nan = e_.jump_if_later(kParity);
    e_.ret();
    e_.bind(nan);
    load(d, constant(Constant::NanD, Constant::NanS, precision));
    e_.ret();
}

bool FloatEmitter::arithmetic(fp::Arithmetic operation, Precision precision, std::uint8_t rounding,
                              const Xmm& d, Source a, Source b, bool canonical) {
    static constexpr Scalar kScalars[] = {Scalar::Add, Scalar::Subtract, Scalar::Multiply, Scalar::Divide};
    if (rounding != ir::kDynamicRounding)
        return false;
    if (operation == fp::Arithmetic::SquareRoot) {
        require_boxed(precision, a);
        if (e_.features.avx) {
            const Xmm from = in_register(a, d);
            is_double(precision) ? e_.vsqrtsd(d, from, from) : e_.vsqrtss(d, from, from);
        } else {
            load(d, a.bits);
            is_double(precision) ? e_.sqrtsd(d, d) : e_.sqrtss(d, d);
        }
        if (canonical)
            canonicalize(precision, d);
        return true;
    }
    require_boxed(precision, a, b);
    const bool shares_second = b.bits == d;
    const Xmm left = in_register(a, shares_second ? e_.xmm15 : d);
    if (shares_second && !e_.features.avx) { // d = left would destroy b
        load(e_.xmm14, d);
        scalar(kScalars[static_cast<std::size_t>(operation)], precision, d, left, e_.xmm14);
    } else {
        scalar(kScalars[static_cast<std::size_t>(operation)], precision, d, left, b.bits);
    }
    if (canonical)
        canonicalize(precision, d);
    return true;
}

bool FloatEmitter::fused(fp::Fused operation, Precision precision, std::uint8_t rounding, const Xmm& d,
                         Source a, Source b, Source c) {
    if (rounding != ir::kDynamicRounding || !e_.features.fma)
        return false;
    require_boxed(precision, a, b);
    if (!(c.bits == a.bits) && !(c.bits == b.bits))
        require_boxed(precision, c);
    const Xmm left = in_register(a, e_.xmm14);
    const bool shares = a.bits == d || b.bits == d || c.bits == d;
    const Xmm sum = shares ? e_.xmm15 : d;
    load(sum, c.bits);
    const bool wide = is_double(precision);
    switch (operation) {
    case fp::Fused::MultiplyAdd:
        wide ? e_.vfmadd231sd(sum, left, b.bits) : e_.vfmadd231ss(sum, left, b.bits);
        break;
    case fp::Fused::MultiplySubtract:
        wide ? e_.vfmsub231sd(sum, left, b.bits) : e_.vfmsub231ss(sum, left, b.bits);
        break;
    case fp::Fused::NegatedMultiplySubtract:
        wide ? e_.vfnmadd231sd(sum, left, b.bits) : e_.vfnmadd231ss(sum, left, b.bits);
        break;
    case fp::Fused::NegatedMultiplyAdd:
        wide ? e_.vfnmsub231sd(sum, left, b.bits) : e_.vfnmsub231ss(sum, left, b.bits);
        break;
    }
    // The host need not find infinity times zero plus a NaN invalid.
    compare_quiet(precision, sum, sum);
    slow_jump_if(kParity);
    load(d, sum);
    return true;
}

void FloatEmitter::compare(fp::Compare operation, Precision precision, const Reg64& d, Source a, Source b) {
    const Flags flags = compare_flags(operation, precision, a, b);
    e_.mov(d.cvt32(), 0); // leaves the flags
    if (flags.unless_parity) {
        e_.mov(e_.eax, 0);
        e_.setnp(e_.al);
        e_.cmove(d.cvt32(), e_.eax);
    } else {
        flags.condition == kAbove ? e_.seta(d.cvt8()) : e_.setae(d.cvt8());
    }
}

FloatEmitter::Flags FloatEmitter::compare_flags(fp::Compare operation, Precision precision, Source a,
                                                Source b) {
    require_boxed(precision, a, b);
    if (operation == fp::Compare::Equal) {
        compare_quiet(precision, in_register(a, e_.xmm15), b.bits);
        return {kEqual, true};
    }
    // The other way round: above and above or equal are false when unordered, unlike their opposites.
    compare_signaling(precision, in_register(b, e_.xmm15), a.bits);
    return {operation == fp::Compare::Less ? kAbove : kAboveOrEqual, false};
}

// The host's minimum and maximum are the second operand when both are zeros: done both ways, and the results,
// which otherwise are the same, united by their sign.
void FloatEmitter::select(bool maximum, Precision precision, const Xmm& d, Source a, Source b) {
    const Scalar operation = maximum ? Scalar::Maximum : Scalar::Minimum;
    require_boxed(precision, a, b);
    const Xmm left = in_register(a, e_.xmm14), right = in_register(b, e_.xmm15);
    compare_quiet(precision, left, right);
    const std::size_t unordered = e_.jump_if_later(kParity);
    scalar(operation, precision, e_.xmm14, left, b.bits);
    scalar(operation, precision, e_.xmm15, right, a.bits);
    packed(maximum ? Packed::And : Packed::Or, d, e_.xmm14, e_.xmm15);
    add_cold({unordered, e_.position(), Cold::Kind::Select, precision, static_cast<std::uint8_t>(d.getIdx()),
              static_cast<std::uint8_t>(left.getIdx()), static_cast<std::uint8_t>(right.getIdx())});
}

void FloatEmitter::sign(fp::SignInjection operation, Precision precision, const Xmm& d, Source a, Source b) {
    const auto sign_bit = constant(Constant::SignD, Constant::SignS, precision);
    const auto magnitude = constant(Constant::MagnitudeD, Constant::MagnitudeS, precision);
    require_boxed(precision, a, b);
    if (a.bits == b.bits) {
        if (operation == fp::SignInjection::Copy)
            return load(d, a.bits);
        const bool negate = operation == fp::SignInjection::Negate;
        return packed(negate ? Packed::Xor : Packed::And, d, in_register(a, d),
                      negate ? sign_bit : magnitude);
    }
    packed(Packed::And, e_.xmm15, in_register(b, e_.xmm15), sign_bit);
    const Xmm left = in_register(a, e_.xmm14);
    if (operation == fp::SignInjection::Xor)
        return packed(Packed::Xor, d, left, e_.xmm15);
    if (operation == fp::SignInjection::Negate)
        packed(Packed::Xor, e_.xmm15, e_.xmm15, sign_bit);
    packed(Packed::And, e_.xmm14, left, magnitude);
    packed(Packed::Or, d, e_.xmm14, e_.xmm15);
}

void FloatEmitter::add_cold(const Cold& cold) {
    if (cold_count_ != cold_.size()) {
        cold_[cold_count_++] = cold;
        return;
    }
    // No room to remember it: at once, behind a jump that it comes back to.
    Cold here = cold;
    here.resume = e_.position();
    const std::size_t over = e_.jump_later();
    emit_cold(here);
    e_.bind(over);
}

void FloatEmitter::emit_cold_code() {
    for (std::size_t i = 0; i < cold_count_; ++i)
        emit_cold(cold_[i]);
    cold_count_ = 0;
}

void FloatEmitter::emit_cold(const Cold& cold) {
    const Xmm d(cold.d), a(cold.a), b(cold.b);
    e_.bind(cold.jump);
    if (cold.kind == Cold::Kind::Select) { // the operand that is a number, if any
        compare_quiet(cold.precision, a, a);
        const std::size_t not_first = e_.jump_if_later(kParity);
        load(d, a);
        e_.jump_to(cold.resume);
        e_.bind(not_first);
        compare_quiet(cold.precision, b, b);
        const std::size_t neither = e_.jump_if_later(kParity);
        load(d, b);
        e_.jump_to(cold.resume);
        e_.bind(neither);
    }
    load(d, constant(Constant::NanD, Constant::NanS, cold.precision));
    e_.jump_to(cold.resume);
}

} // namespace ashlar::jit::x86_64
