// Functions that the compiler calls where the baseline instruction set has no instruction.
#include <cstdint>

extern "C" int __popcountdi2(std::int64_t value);

// Adds up pairs of bits, then nibbles, then bytes (Hacker's Delight, section 5-1).
int __popcountdi2(std::int64_t value) {
    auto v = static_cast<std::uint64_t>(value);
    v -= v >> 1 & 0x5555'5555'5555'5555;
    v = (v & 0x3333'3333'3333'3333) + (v >> 2 & 0x3333'3333'3333'3333);
    v = (v + (v >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
    return static_cast<int>(v * 0x0101'0101'0101'0101 >> 56);
}
