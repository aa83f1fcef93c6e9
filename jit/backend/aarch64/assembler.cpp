#include "jit/backend/aarch64/assembler.h"

#include <algorithm>

namespace ashlar::jit::aarch64 {
namespace {

// Where a branch keeps its distance, counted in words.
struct Field {
    unsigned bits, shift;
};
constexpr Field field_of(Word instruction) {
    if ((instruction & 0x7c00'0000) == 0x1400'0000) // B, BL
        return {26, 0};
    if ((instruction & 0x7e00'0000) == 0x3600'0000) // TBZ, TBNZ
        return {14, 5};
    return {19, 5}; // B.cond, CBZ, CBNZ, and ADR, whose lowest two bits are elsewhere and 0 here
}

constexpr std::int64_t distance_in(Word instruction) {
    const Field field = field_of(instruction);
    const auto value = static_cast<std::int64_t>(instruction >> field.shift & low_bits(field.bits));
    const std::int64_t sign = std::int64_t{1} << (field.bits - 1);
    return (value ^ sign) - sign;
}
constexpr Word with_distance(Word instruction, std::int64_t words) {
    const Field field = field_of(instruction);
    const auto mask = static_cast<Word>(low_bits(field.bits)) << field.shift;
    ASHLAR_ASSERT(fits_signed(words, field.bits)); // else the code is larger than such a branch reaches
    return (instruction & ~mask) | (static_cast<Word>(words) << field.shift & mask);
}

} // namespace

void Assembler::emit(Word instruction, Label& to) {
    const std::size_t target = to.place_ != Label::kNone ? to.place_ : to.last_use_;
    const std::int64_t words =
        target == Label::kNone ? 0 : static_cast<std::int64_t>(target) - static_cast<std::int64_t>(position_);
    if (to.place_ == Label::kNone)
        to.last_use_ = position_;
    emit(with_distance(instruction, words));
}

void Assembler::bind(Label& label) {
    ASHLAR_ASSERT(label.place_ == Label::kNone);
    label.place_ = position_;
    // A use that has been dropped ends the chain: nobody executes this code.
    for (std::size_t use = label.last_use_; use < code_.size();) {
        const std::int64_t to_previous = distance_in(code_[use]);
        code_[use] = with_distance(code_[use], static_cast<std::int64_t>(position_ - use));
        if (to_previous == 0)
            return;
        use -= static_cast<std::size_t>(-to_previous);
    }
}

void Assembler::load_constant(Register d, std::uint64_t value) {
    const auto half = [&](unsigned i) { return static_cast<std::uint16_t>(value >> 16 * i); };
    unsigned zeros = 0, ones = 0;
    for (unsigned i = 0; i < 4; ++i) {
        zeros += half(i) == 0 ? 1 : 0;
        ones += half(i) == 0xffff ? 1 : 0;
    }
    const bool inverted = ones > zeros;
    if (std::max(zeros, ones) < 3 && logical_immediate(value, Width::X))
        return emit(logical(Logical::Orr, Width::X, d, kZero, value));
    const std::uint16_t filler = inverted ? 0xffff : 0;
    bool first = true;
    for (unsigned i = 0; i < 4; ++i) {
        if (half(i) == filler && !(first && i == 3)) // one must be there
            continue;
        if (!first)
            emit(move_wide(MoveWide::Keep, Width::X, d, half(i), 16 * i));
        else if (inverted)
            emit(move_wide(MoveWide::Not, Width::X, d, static_cast<std::uint16_t>(~half(i)), 16 * i));
        else
            emit(move_wide(MoveWide::Zero, Width::X, d, half(i), 16 * i));
        first = false;
    }
}

} // namespace ashlar::jit::aarch64
