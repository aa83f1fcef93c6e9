// Floating point: resolves the rounding mode. Operations in the dynamic mode, which are nearly all, take the
// inline functions of fp_host.h, whose exceptions stay in the host's FPU until execute() ends or a helper is
// called.
#include "jit/fp.h"

#include <type_traits>

#include "jit/fp_host.h"
#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"

namespace ashlar::jit::interpreter {

namespace {

using ir::Precision;

// The static mode, or what the rounding slot says; values above 4 are reserved.
[[gnu::always_inline]] inline std::uint64_t rounding_of(const Context& context, const Op* op) {
    const auto mode = static_cast<std::uint8_t>(op->imm >> 16);
    return mode == ir::kDynamicRounding ? context.slots[ir::kRoundingSlot] : mode;
}

// Runs `compute` with the rounding mode when that is a valid one.
template <class Compute>
[[gnu::always_inline]] inline const Op* rounded(Context& context, const Op* op, Compute compute) {
    const std::uint64_t rounding = rounding_of(context, op);
    if (__builtin_expect(rounding > static_cast<std::uint64_t>(fp::Rounding::NearestMaxMagnitude), 0))
        return leave_with_illegal(context, site_in_immediate(op));
    context.slots[op->d] = compute(static_cast<fp::Rounding>(rounding));
    return go_on(context, op);
}

std::uint64_t& flags_of(Context& context) {
    return context.slots[ir::kFloatFlagsSlot];
}

template <Precision precision>
using Format = std::conditional_t<precision == Precision::Single, fp::Single, fp::Double>;

// Whether the host's FPU is set to `rounding`.
bool is_current(const Context& context, fp::Rounding rounding) {
    return __builtin_expect(fp::is_current(rounding, context.slots[ir::kRoundingSlot]), 1);
}

template <class F, fp::Arithmetic operation>
std::uint64_t on_host(std::uint64_t a, std::uint64_t b) {
    switch (operation) {
    case fp::Arithmetic::Add: return fp::host::add<F>(a, b);
    case fp::Arithmetic::Subtract: return fp::host::subtract<F>(a, b);
    case fp::Arithmetic::Multiply: return fp::host::multiply<F>(a, b);
    case fp::Arithmetic::Divide: return fp::host::divide<F>(a, b);
    case fp::Arithmetic::SquareRoot: break;
    }
    return fp::host::square_root<F>(a);
}

template <Precision precision, fp::Arithmetic operation>
const Op* arithmetic(Context& context, const Op* op) {
    constexpr auto compute = precision == Precision::Single ? fp::arithmetic_s : fp::arithmetic_d;
    return rounded(context, op, [&](fp::Rounding rounding) {
        const std::uint64_t a = context.slots[op->a], b = context.slots[op->b];
        return is_current(context, rounding) ? on_host<Format<precision>, operation>(a, b)
                                             : compute(operation, a, b, rounding, flags_of(context));
    });
}

template <Precision precision, fp::Fused operation>
const Op* fused(Context& context, const Op* op) {
    constexpr auto compute = precision == Precision::Single ? fp::fused_s : fp::fused_d;
    return rounded(context, op, [&](fp::Rounding rounding) {
        const std::uint64_t a = context.slots[op->a], b = context.slots[op->b], c = context.slots[op->c];
        return is_current(context, rounding)
                   ? fp::host::fused<Format<precision>>(operation, a, b, c, rounding, flags_of(context))
                   : compute(operation, a, b, c, rounding, flags_of(context));
    });
}

template <Precision precision, fp::Compare operation>
const Op* compare(Context& context, const Op* op) {
    constexpr auto compute = precision == Precision::Single ? fp::compare_s : fp::compare_d;
    context.slots[op->d] = compute(operation, context.slots[op->a], context.slots[op->b], flags_of(context));
    return go_on(context, op);
}

template <std::uint64_t (*compute)(std::uint64_t, std::uint64_t, std::uint64_t&)>
const Op* select(Context& context, const Op* op) {
    context.slots[op->d] = compute(context.slots[op->a], context.slots[op->b], flags_of(context));
    return go_on(context, op);
}

template <Precision precision, fp::SignInjection operation>
const Op* sign(Context& context, const Op* op) {
    constexpr auto compute = precision == Precision::Single ? fp::sign_inject_s : fp::sign_inject_d;
    context.slots[op->d] = compute(operation, context.slots[op->a], context.slots[op->b]);
    return go_on(context, op);
}

template <std::uint64_t (*compute)(std::uint64_t)>
const Op* classify(Context& context, const Op* op) {
    context.slots[op->d] = compute(context.slots[op->a]);
    return go_on(context, op);
}

template <Precision precision, fp::Integer type>
const Op* to_integer(Context& context, const Op* op) {
    constexpr auto compute = precision == Precision::Single ? fp::to_integer_s : fp::to_integer_d;
    return rounded(context, op, [&](fp::Rounding rounding) {
        const std::uint64_t a = context.slots[op->a];
        if constexpr (type == fp::Integer::Word || type == fp::Integer::Long) {
            using Signed = std::conditional_t<type == fp::Integer::Word, std::int32_t, std::int64_t>;
            if (rounding == fp::Rounding::TowardZero) // what C's casts want
                return fp::truncate<Format<precision>, Signed>(a, flags_of(context));
        }
        return compute(type, a, rounding, flags_of(context));
    });
}

template <Precision precision, fp::Integer type>
const Op* from_integer(Context& context, const Op* op) {
    constexpr auto compute = precision == Precision::Single ? fp::from_integer_s : fp::from_integer_d;
    return rounded(context, op, [&](fp::Rounding rounding) {
        const std::uint64_t x = context.slots[op->a];
        if constexpr (type == fp::Integer::Word || type == fp::Integer::Long)
            if (is_current(context, rounding))
                return fp::host::from_long<Format<precision>>(
                    type == fp::Integer::Long
                        ? x
                        : static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(x)}));
        return compute(type, x, rounding, flags_of(context));
    });
}

const Op* widen(Context& context, const Op* op) {
    // Exact, but a reserved dynamic mode is illegal here too.
    return rounded(context, op,
                   [&](fp::Rounding) { return fp::host::single_to_double(context.slots[op->a]); });
}

const Op* narrow(Context& context, const Op* op) {
    return rounded(context, op, [&](fp::Rounding rounding) {
        const std::uint64_t a = context.slots[op->a];
        return is_current(context, rounding) ? fp::host::double_to_single(a)
                                             : fp::double_to_single(a, rounding, flags_of(context));
    });
}

const Op* single_to_bits(Context& context, const Op* op) {
    context.slots[op->d] =
        static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(context.slots[op->a])});
    return go_on(context, op);
}

const Op* single_from_bits(Context& context, const Op* op) {
    context.slots[op->d] = context.slots[op->a] | 0xffffffff00000000;
    return go_on(context, op);
}

template <Precision precision>
struct Table {
    static constexpr bool kSingle = precision == Precision::Single;
    static constexpr Handler kArithmetic[] = {
        arithmetic<precision, fp::Arithmetic::Add>, arithmetic<precision, fp::Arithmetic::Subtract>,
        arithmetic<precision, fp::Arithmetic::Multiply>, arithmetic<precision, fp::Arithmetic::Divide>,
        arithmetic<precision, fp::Arithmetic::SquareRoot>};
    static constexpr Handler kFused[] = {fused<precision, fp::Fused::MultiplyAdd>,
                                         fused<precision, fp::Fused::MultiplySubtract>,
                                         fused<precision, fp::Fused::NegatedMultiplySubtract>,
                                         fused<precision, fp::Fused::NegatedMultiplyAdd>};
    static constexpr Handler kCompare[] = {compare<precision, fp::Compare::LessEqual>,
                                           compare<precision, fp::Compare::Less>,
                                           compare<precision, fp::Compare::Equal>};
    static constexpr Handler kSign[] = {sign<precision, fp::SignInjection::Copy>,
                                        sign<precision, fp::SignInjection::Negate>,
                                        sign<precision, fp::SignInjection::Xor>};
    static constexpr Handler kToInteger[] = {
        to_integer<precision, fp::Integer::Word>, to_integer<precision, fp::Integer::UnsignedWord>,
        to_integer<precision, fp::Integer::Long>, to_integer<precision, fp::Integer::UnsignedLong>};
    static constexpr Handler kFromInteger[] = {
        from_integer<precision, fp::Integer::Word>, from_integer<precision, fp::Integer::UnsignedWord>,
        from_integer<precision, fp::Integer::Long>, from_integer<precision, fp::Integer::UnsignedLong>};
    static constexpr Handler kMinimum = select < kSingle ? fp::min_s : fp::min_d > ;
    static constexpr Handler kMaximum = select < kSingle ? fp::max_s : fp::max_d > ;
    static constexpr Handler kClassify = classify < kSingle ? fp::classify_s : fp::classify_d > ;
};

template <Precision precision>
Handler handler_of(ir::Opcode opcode, std::size_t attribute) {
    using T = Table<precision>;
    switch (opcode) {
    case ir::Opcode::FloatArithmetic: return T::kArithmetic[attribute];
    case ir::Opcode::FloatFused: return T::kFused[attribute];
    case ir::Opcode::FloatCompare: return T::kCompare[attribute];
    case ir::Opcode::FloatMinimum: return T::kMinimum;
    case ir::Opcode::FloatMaximum: return T::kMaximum;
    case ir::Opcode::FloatSign: return T::kSign[attribute];
    case ir::Opcode::FloatClassify: return T::kClassify;
    case ir::Opcode::FloatToInteger: return T::kToInteger[attribute];
    case ir::Opcode::FloatFromInteger: return T::kFromInteger[attribute];
    case ir::Opcode::FloatWiden: return widen;
    case ir::Opcode::FloatNarrow: return narrow;
    case ir::Opcode::FloatToBits: return T::kSingle ? single_to_bits : copy_handler();
    case ir::Opcode::FloatFromBits: return T::kSingle ? single_from_bits : copy_handler();
    default: break;
    }
    ASHLAR_ASSERT(false);
    __builtin_unreachable();
}

} // namespace

Handler float_handler(const ir::Instruction& instruction) {
    return instruction.precision == Precision::Single
               ? handler_of<Precision::Single>(instruction.opcode, instruction.attribute)
               : handler_of<Precision::Double>(instruction.opcode, instruction.attribute);
}

} // namespace ashlar::jit::interpreter
