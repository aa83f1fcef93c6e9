// Conversions and moves.
#include "jit/backend/x86_64/condition_code.h"
#include "jit/backend/x86_64/emit_float.h"

namespace ashlar::jit::x86_64 {

using Xbyak::Operand;
using Xbyak::Reg64;
using Xbyak::Xmm;

namespace {

constexpr auto kTowardZero = static_cast<std::uint8_t>(fp::Rounding::TowardZero);

bool is_double(ir::Precision precision) {
    return precision == ir::Precision::Double;
}

// ROUNDSD's immediate: MXCSR.RC, and bit 3, which keeps Inexact from being raised.
constexpr std::uint8_t kSilent = 8;
std::uint8_t round_control(std::uint8_t rounding) {
    static constexpr std::uint8_t kControls[] = {0, 3, 1, 2};
    return kControls[rounding];
}

} // namespace

void FloatEmitter::require_below_power(Precision precision, int exponent, const Operand& a) {
    const Xmm from(a.getIdx());
    if (is_double(precision)) {
        a.isMEM() ? e_.mov(e_.rax, e_.qword[a.getAddress().getRegExp()]) : e_.movq(e_.rax, from);
        e_.shr(e_.rax, 52);
        e_.cmp(e_.eax, 1023 + exponent);
    } else {
        a.isMEM() ? e_.mov(e_.eax, e_.dword[a.getAddress().getRegExp()]) : e_.movd(e_.eax, from);
        e_.shr(e_.eax, 23);
        e_.cmp(e_.eax, 127 + exponent);
    }
    slow_jump_if(kAboveOrEqual); // negative ones too
}

void FloatEmitter::convert(Precision precision, bool truncate, const Xbyak::Reg& d, const Operand& a) {
    if (truncate)
        is_double(precision) ? e_.cvttsd2si(d, a) : e_.cvttss2si(d, a);
    else
        is_double(precision) ? e_.cvtsd2si(d, a) : e_.cvtss2si(d, a);
}

void FloatEmitter::round(Precision precision, const Xmm& d, const Xmm& a, std::uint8_t control) {
    if (e_.features.avx)
        is_double(precision) ? e_.vroundsd(d, a, a, control) : e_.vroundss(d, a, a, control);
    else
        is_double(precision) ? e_.roundsd(d, a, control) : e_.roundss(d, a, control);
}

bool FloatEmitter::to_integer(fp::Integer type, Precision precision, std::uint8_t rounding, const Reg64& d,
                              Source a) {
    const bool truncates = rounding == kTowardZero;
    const bool is_static = rounding != ir::kDynamicRounding && !truncates;
    if (is_static &&
        (!e_.features.sse41 || rounding >= static_cast<std::uint8_t>(fp::Rounding::NearestMaxMagnitude)))
        return false;
    require_boxed(precision, a);
    // Unsigned ones that are not in the signed range are rare. Those out of range raise Invalid only, so that
    // they must not be converted to the wider type and found to be too large.
    if (type == fp::Integer::UnsignedLong)
        require_below_power(precision, 63, a.bits);
    else if (type == fp::Integer::UnsignedWord)
        require_below_power(precision, truncates ? 32 : 31, a.bits);
    const Xbyak::Reg to = type == fp::Integer::Word ? Xbyak::Reg(d.cvt32()) : Xbyak::Reg(d);
    const Xmm from = is_static ? in_register(a, e_.xmm14) : e_.xmm15;
    if (is_static) {
        round(precision, e_.xmm15, from, round_control(rounding) | kSilent);
        convert(precision, true, to, e_.xmm15);
    } else {
        convert(precision, truncates, to, a.bits);
    }
    if (type == fp::Integer::Word || type == fp::Integer::Long) {
        e_.cmp(to, 1); // overflows for the least integer, which stands for what cannot be represented
        slow_jump_if(kOverflow);
    }
    if (is_static) // now that it is known to be in range, perhaps Inexact
        round(precision, e_.xmm15, from, round_control(rounding));
    if (type == fp::Integer::Word || type == fp::Integer::UnsignedWord)
        e_.movsxd(d, d.cvt32());
    return true;
}

bool FloatEmitter::from_integer(fp::Integer type, Precision precision, std::uint8_t rounding, const Xmm& d,
                                const Reg64& x) {
    const bool is_word = type == fp::Integer::Word || type == fp::Integer::UnsignedWord;
    if (rounding != ir::kDynamicRounding && !(is_word && is_double(precision))) // those are exact
        return false;
    if (type == fp::Integer::UnsignedLong) {
        e_.test(x, x);
        slow_jump_if(kSign);
    }
    if (type == fp::Integer::UnsignedWord)
        e_.mov(e_.eax, x.cvt32());
    const Reg64 wide = type == fp::Integer::UnsignedWord ? e_.rax : x;
    const Xbyak::Reg32 narrow = x.cvt32();
    const Operand& from = type == fp::Integer::Word ? static_cast<const Operand&>(narrow) : wide;
    // The register's other bits: none, so as not to wait for them, or the box.
    if (is_double(precision)) {
        e_.features.avx ? e_.vxorps(d, d, d) : e_.xorps(d, d);
        e_.features.avx ? e_.vcvtsi2sd(d, d, from) : e_.cvtsi2sd(d, from);
    } else {
        load(d, constant(Constant::Box));
        e_.features.avx ? e_.vcvtsi2ss(d, d, from) : e_.cvtsi2ss(d, from);
    }
    return true;
}

// Of the ten classes those of numbers lie around the zeros, which are 3 and 4: by so much as there are of
// subnormal, normal and infinite below the operand's magnitude or equal to it. 8 is a signaling NaN, 9 a
// quiet one.
void FloatEmitter::classify(Precision precision, const Reg64& d, Source a, const Reg64& index,
                            const Reg64& magnitude) {
    const bool wide = is_double(precision);
    const auto part = [&](const Reg64& whole) {
        return wide ? Xbyak::Reg(whole) : Xbyak::Reg(whole.cvt32());
    };
    const Xbyak::Reg32 place = index.cvt32();
    if (a.bits.isMEM())
        e_.mov(e_.rax, e_.qword[a.bits.getAddress().getRegExp()]);
    else
        e_.movq(e_.rax, Xmm(a.bits.getIdx()));
    std::size_t not_boxed = 0;
    if (!wide && !a.known_boxed) { // is the canonical NaN
        e_.mov(place, 9);
        e_.cmp(e_.rax, constant(Constant::Box));
        not_boxed = e_.jump_if_later(kBelow);
    }
    e_.lea(part(magnitude), e_.ptr[e_.rax + e_.rax]); // without the sign
    if (wide)
        e_.mov(index, 0xffe0'0000'0000'0000);
    else
        e_.mov(place, 0xff00'0000);
    e_.cmp(part(magnitude), part(index));
    e_.mov(place, 8);
    const std::size_t number = e_.jump_if_later(kBelowOrEqual);
    e_.bt(part(magnitude), wide ? 52 : 23);
    e_.adc(place, 0);
    const std::size_t done = e_.jump_later();
    e_.bind(number);
    e_.mov(place, 0);
    e_.sete(index.cvt8());
    e_.cmp(part(magnitude), 1);
    e_.sbb(place, -1);
    e_.shr(part(magnitude), wide ? 53 : 24);
    e_.cmp(magnitude.cvt32(), 1);
    e_.sbb(place, -1);
    e_.add(place, 4);
    e_.sar(part(e_.rax), wide ? 63 : 31);
    e_.and_(e_.eax, 7);
    e_.xor_(place, e_.eax);
    e_.bind(done);
    if (not_boxed != 0)
        e_.bind(not_boxed);
    e_.mov(e_.eax, 0);
    e_.bts(e_.eax, place);
    e_.mov(d.cvt32(), e_.eax);
}

void FloatEmitter::to_bits(Precision precision, const Reg64& d, Source a) {
    if (a.bits.isMEM()) {
        const Xbyak::RegExp address = a.bits.getAddress().getRegExp();
        is_double(precision) ? e_.mov(d, e_.qword[address]) : e_.movsxd(d, e_.dword[address]);
    } else if (is_double(precision)) {
        e_.movq(d, Xmm(a.bits.getIdx()));
    } else {
        e_.movd(d.cvt32(), Xmm(a.bits.getIdx()));
        e_.movsxd(d, d.cvt32());
    }
}

void FloatEmitter::from_bits(Precision precision, const Xmm& d, const Reg64& x) {
    e_.features.avx ? e_.vmovq(d, x) : e_.movq(d, x);
    if (!is_double(precision))
        packed(Packed::Or, d, d, constant(Constant::Box));
}

void FloatEmitter::load_single(const Xmm& d, const Xbyak::Address& from) {
    e_.features.avx ? e_.vmovd(d, from) : e_.movd(d, from);
    packed(Packed::Or, d, d, constant(Constant::Box));
}

bool FloatEmitter::widen(std::uint8_t, const Xmm& d, Source a) {
    require_boxed(Precision::Single, a);
    if (e_.features.avx) {
        const Xmm from = in_register(a, d);
        e_.vcvtss2sd(d, from, from);
    } else {
        e_.cvtss2sd(d, a.bits);
    }
    canonicalize(Precision::Double, d);
    return true;
}

bool FloatEmitter::narrow(std::uint8_t rounding, const Xmm& d, Source a) {
    if (rounding != ir::kDynamicRounding)
        return false;
    load(e_.xmm15, constant(Constant::Box));
    if (e_.features.avx) {
        e_.vcvtsd2ss(d, e_.xmm15, a.bits);
    } else {
        e_.cvtsd2ss(e_.xmm15, a.bits);
        load(d, e_.xmm15);
    }
    canonicalize(Precision::Single, d);
    return true;
}

} // namespace ashlar::jit::x86_64
