// Operand values at which floating-point implementations go wrong, and a generator of such values.
#pragma once

#include <cstdint>
#include <vector>

namespace ashlar::jit::fp::test {

// Register bits; the lists for singles hold boxed values and some that are not boxed.
std::vector<std::uint64_t> corner_operands(bool is_double);
// A smaller selection, for operations with three operands.
std::vector<std::uint64_t> few_operands(bool is_double);
// Values of x registers at the limits of the integer types and of the significands.
std::vector<std::uint64_t> corner_integers();

// Numbers with sparse or dense significands and exponents that make sums cancel and products under- or
// overflow.
class OperandGenerator {
public:
    explicit OperandGenerator(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next(bool is_double);
    std::uint64_t next_bits();

private:
    std::uint64_t state_;
};

} // namespace ashlar::jit::fp::test
