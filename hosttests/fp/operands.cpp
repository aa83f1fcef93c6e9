#include "hosttests/fp/operands.h"

#include "jit/fp_format.h"

namespace ashlar::jit::fp::test {

namespace {

template <class F>
std::vector<std::uint64_t> both_signs(const std::vector<typename F::Bits>& magnitudes) {
    std::vector<std::uint64_t> values;
    for (const auto bits : magnitudes) {
        values.push_back(F::to_register(bits));
        values.push_back(F::to_register(bits | F::kSign));
    }
    return values;
}

template <class F>
typename F::Bits number(double value) {
    return F::from_host(static_cast<typename F::Host>(value));
}

template <class F>
std::vector<typename F::Bits> few() {
    return {0, 1, F::kFraction, F::kHidden, F::kHidden + 1, F::kOne - 1, F::kOne, F::kOne + 1, number<F>(1.5),
            number<F>(3), F::kMaximum, F::kInfinity, F::kNan, F::kInfinity | 1,
            // about the square root of the smallest number and of the largest
            static_cast<typename F::Bits>(F::kOne / 2 + 5), static_cast<typename F::Bits>(F::kOne / 2 * 3)};
}

template <class F>
std::vector<typename F::Bits> corners() {
    std::vector<typename F::Bits> all = few<F>();
    for (const double value : {0.1, 0.25, 0.5, 0.75, 1.0 / 3, 2.0, 2.5, 3.5, 10.0, 127.0, 1e10})
        all.push_back(number<F>(value));
    for (const double limit : {0x1p31, 0x1p32, 0x1p63, 0x1p64, 0x1p24, 0x1p53, 0.5, 1.5}) {
        all.push_back(number<F>(limit) - 1);
        all.push_back(number<F>(limit));
        all.push_back(number<F>(limit) + 1);
    }
    for (const double value : {0x1p31 - 1, 0x1p31 - 0.5, 0x1p31 + 0.5, 0x1p32 - 1, 0x1p32 - 0.5, 0x1p31 + 1})
        all.push_back(number<F>(value));
    all.push_back(2);
    all.push_back(3);
    all.push_back(F::kMaximum - 1);
    all.push_back(F::kNan | 5);                   // quiet, with a payload
    all.push_back(F::kInfinity | F::kQuiet >> 1); // signalling
    return all;
}

std::vector<std::uint64_t> with_unboxed(std::vector<std::uint64_t> values) {
    constexpr std::uint64_t kUnboxed[] = {0x3F80'0000, 0x7FFF'FFFF'4000'0000, 0x3FF0'0000'0000'0000,
                                          0xFFFF'FFFE'3F80'0000};
    values.insert(values.end(), std::begin(kUnboxed), std::end(kUnboxed));
    return values;
}

} // namespace

std::vector<std::uint64_t> corner_operands(bool is_double) {
    return is_double ? both_signs<Double>(corners<Double>())
                     : with_unboxed(both_signs<Single>(corners<Single>()));
}

std::vector<std::uint64_t> few_operands(bool is_double) {
    return is_double ? both_signs<Double>(few<Double>()) : with_unboxed(both_signs<Single>(few<Single>()));
}

std::vector<std::uint64_t> corner_integers() {
    std::vector<std::uint64_t> values;
    for (unsigned bit = 0; bit < 64; ++bit)
        for (std::uint64_t offset = 0; offset < 4; ++offset) {
            const std::uint64_t power = std::uint64_t{1} << bit;
            values.push_back(power + offset);
            values.push_back(power - offset);
            values.push_back(0 - (power + offset));
            values.push_back(power + (power >> 24) + offset); // a tie for singles
            values.push_back(power + (power >> 53) + offset); // and for doubles
        }
    return values;
}

std::uint64_t OperandGenerator::next_bits() { // splitmix64
    std::uint64_t z = state_ += 0x9E37'79B9'7F4A'7C15;
    z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EB;
    return z ^ z >> 31;
}

std::uint64_t OperandGenerator::next(bool is_double) {
    const std::uint64_t choice = next_bits();
    std::uint64_t significand = next_bits();
    switch (choice & 3) {
    case 0: break;                                                         // dense
    case 1: significand &= next_bits() & next_bits() & next_bits(); break; // sparse
    case 2: significand = ~std::uint64_t{0} << (choice >> 8 & 63); break;  // ones, then zeros
    case 3: significand = 0 - (significand & 3); break;                    // nearly a power of two
    }
    // Mostly exponents around 1, so that operands meet; else anything, including subnormals and infinity.
    const auto spread = static_cast<std::int64_t>(choice >> 16 & 127) - 64;
    const bool near_one = (choice >> 2 & 3) != 0;
    const std::uint64_t sign = choice >> 63;
    const std::uint64_t any = choice >> 32;
    if (is_double) {
        const std::uint64_t exponent = near_one ? static_cast<std::uint64_t>(1023 + spread) : any & 0x7FF;
        return sign << 63 | exponent << 52 | (significand & Double::kFraction);
    }
    const std::uint64_t exponent = near_one ? static_cast<std::uint64_t>(127 + spread / 2) : any & 0xFF;
    return Single::kBox | sign << 31 | exponent << 23 | (significand & Single::kFraction);
}

} // namespace ashlar::jit::fp::test
