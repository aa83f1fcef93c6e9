// Names of A64's operands.
#pragma once

#include <cstdint>

namespace ashlar::jit::aarch64 {

// General registers by number. Which of zero register and stack pointer 31 is depends on the instruction.
enum class Register : std::uint8_t {};
constexpr Register x(unsigned number) {
    return static_cast<Register>(number);
}
constexpr Register kZero{31}, kStack{31}, kLink{30};

// Registers of floating point and vectors.
enum class Vector : std::uint8_t {};
constexpr Vector v(unsigned number) {
    return static_cast<Vector>(number);
}

// Of general registers: 32 bits (the upper half becomes zero) or 64.
enum class Width : std::uint8_t { W, X };
// Of floating-point numbers.
enum class Precision : std::uint8_t { Single, Double };
// Of an access to memory: bytes, as a power of two.
enum class Size : std::uint8_t { Byte, Half, Word, Double };

enum class Condition : std::uint8_t { Eq, Ne, Cs, Cc, Mi, Pl, Vs, Vc, Hi, Ls, Ge, Lt, Gt, Le, Always };
constexpr Condition inverse(Condition condition) {
    return static_cast<Condition>(static_cast<std::uint8_t>(condition) ^ 1);
}

enum class Shift : std::uint8_t { Left, LogicalRight, ArithmeticRight, RotateRight };
enum class Extend : std::uint8_t { Uxtb, Uxth, Uxtw, Uxtx, Sxtb, Sxth, Sxtw, Sxtx };

// What others see of an atomic access: its order with what comes before (release) and after (acquire).
enum class Order : std::uint8_t { None, Acquire, Release, Both };

} // namespace ashlar::jit::aarch64
