// Condition codes as the low four bits of Jcc opcodes (Intel SDM volume 2, appendix B.1.4.7).
#pragma once

#include <cstdint>

namespace ashlar::jit::x86_64 {

constexpr std::uint8_t kOverflow = 0, kBelow = 2, kAboveOrEqual = 3, kEqual = 4, kNotEqual = 5,
                       kBelowOrEqual = 6, kAbove = 7, kSign = 8, kParity = 10, kLess = 12,
                       kGreaterOrEqual = 13, kLessOrEqual = 14, kGreater = 15;

} // namespace ashlar::jit::x86_64
